"""Each intrinsic, through a small compiled function, against NumPy."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import Array, relative_error
from engine.compiled import kernel
from fastpc.engine import vector
from fastpc.engine.llvm import BLOCK, MOST, ROWS, WORD, lanes

DTYPES = (np.float32, np.float64)
SENTINEL = 77.0


def normal(dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(dtype)


def tolerance(dtype: Any) -> float:
    return 20 * float(np.finfo(dtype).eps)


# -- products ------------------------------------------------------------------------------------


@kernel
def _product(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count):
    vector.product_block(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", range(1, ROWS + 1))
def test_product_of_a_block_of_rows(rows: int, dtype: Any) -> None:
    width = lanes(dtype)
    for count in (1, 2, 7, 64, 101):
        scalars, vectors = normal(dtype, rows, count), normal(dtype, count, width)
        out = np.full(rows * width, SENTINEL, dtype)
        _product(
            rows, out, 0, width, scalars.reshape(-1), 0, 1, count,
            vectors.reshape(-1), 0, width, count,
        )  # fmt: skip
        exact = scalars.astype(np.float64) @ vectors.astype(np.float64)
        assert relative_error(out.reshape(rows, width), exact) <= tolerance(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_product_keeps_to_its_offsets_and_strides(dtype: Any) -> None:
    width, rows, count = lanes(dtype), min(5, ROWS), 9
    scalars = normal(dtype, count + 2, rows + 3)  # k runs down, m runs right
    vectors = normal(dtype, count, width + 5)
    out = np.full((rows, width + 4), SENTINEL, dtype)
    _product(
        rows, out.reshape(-1), 3, width + 4, scalars.reshape(-1), 2 * (rows + 3) + 1, rows + 3, 1,
        vectors.reshape(-1), 2, width + 5, count,
    )  # fmt: skip
    exact = scalars[2:, 1 : rows + 1].astype(np.float64).T @ vectors[:, 2 : width + 2]
    assert relative_error(out[:, 3 : width + 3], exact) <= tolerance(dtype)
    assert (out[:, :3] == SENTINEL).all()
    assert (out[:, width + 3 :] == SENTINEL).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, ROWS + 1])
def test_a_block_of_no_known_height_writes_nothing(rows: int, dtype: Any) -> None:
    width = lanes(dtype)
    out = np.full((ROWS + 1) * width, SENTINEL, dtype)
    _product(rows, out, 0, width, out, 0, 0, 0, out, 0, 0, 1)
    assert (out == SENTINEL).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_product_of_nothing_is_zero(dtype: Any) -> None:
    width = lanes(dtype)
    out = np.full(2 * width, SENTINEL, dtype)
    _product(2, out, 0, width, out, 0, 1, 1, out, 0, width, 0)
    assert (out == 0).all()


# -- sums over set bits --------------------------------------------------------------------------


@kernel
def _accumulate(groups, out, o, anew, mask, scalars, values, s, places, matrix, m, stride):
    if groups == 4:
        vector.accumulate_wide(out, o, anew, mask, scalars, values, s, places, matrix, m, stride)
    elif groups == MOST / 2:
        vector.accumulate_most(out, o, anew, mask, scalars, values, s, places, matrix, m, stride)
    else:
        vector.accumulate_narrow(out, o, anew, mask, scalars, values, s, places, matrix, m, stride)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [4.0, MOST / 2, 1.0])
@pytest.mark.parametrize("step", [1, 5])
@pytest.mark.parametrize("bits", [(), (0,), (63,), (2, 3, 40), tuple(range(64))])
@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_accumulate_adds_the_rows_of_set_bits(
    as_bytes: bool, anew: bool, bits: tuple[int, ...], step: int, groups: float, dtype: Any
) -> None:
    width = int(lanes(dtype) * groups)
    scalars, matrix = normal(dtype, 1 + 64 * step), normal(dtype, 64, width + 3)
    out = np.full(width + 2, SENTINEL, dtype)
    before = np.zeros(width) if anew else normal(dtype, width)
    out[1:-1] = np.nan if anew else before
    mask = np.uint64(sum(1 << bit for bit in bits))
    values = normal(dtype, 256)
    numbers = np.random.default_rng(0).integers(256, size=len(scalars)).astype(np.uint8) if as_bytes else scalars
    scalars = values[numbers] if as_bytes else scalars
    places = 0 if step == 1 else step * np.arange(64)
    _accumulate(groups, out, 1, anew, mask, numbers, values, 1, places, matrix.reshape(-1), 2, width + 3)
    chosen = list(bits)
    added = scalars[1::step][chosen].astype(np.float64) @ matrix[chosen, 2 : width + 2]
    assert relative_error(out[1:-1], before + added) <= tolerance(dtype)
    assert (out[[0, -1]] == SENTINEL).all()


# -- numbers that come in ------------------------------------------------------------------------


@kernel
def _scale(width, data, start, out, o, scale):
    if width == WORD:
        bits, again = vector.scale_word(data, start, out, o, scale), vector.mark_word(data, start)
    else:
        bits, again = vector.scale_block(data, start, out, o, scale), vector.mark_block(data, start)
    return bits, again


@pytest.mark.parametrize("width", [BLOCK, WORD])
@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.uint8, np.float32),
        (np.uint8, np.float64),
        (np.float32, np.float32),
        (np.float64, np.float64),
    ],
)
def test_a_block_is_scaled_and_its_zeros_told(source: Any, target: Any, width: int) -> None:
    rng = np.random.default_rng(3)
    data = rng.integers(0, 256, 3 * width) * rng.integers(0, 2, 3 * width)
    data = (data if source == np.uint8 else data - 100.0 * (data > 0)).astype(source)
    scale = target(1 / 255)
    out = np.full(width + 5, SENTINEL, target)
    bits = _scale(width, data, 7, out, 2, scale)
    numbers = data[7 : 7 + width]
    assert np.array_equal(out[2 : 2 + width], numbers.astype(target) * scale)
    assert (np.delete(out, range(2, 2 + width)) == SENTINEL).all()
    exact = sum(1 << k for k in np.flatnonzero(numbers).tolist())
    assert tuple(map(int, bits)) == (exact, exact)


def test_bytes_that_stay_bytes_are_not_scaled() -> None:
    data = np.arange(WORD, dtype=np.uint8)
    out = np.zeros(WORD, np.uint8)
    assert int(_scale(WORD, data, 0, out, 0, np.float32(0.5))[0]) == 2**64 - 2
    assert np.array_equal(out, data)


@pytest.mark.parametrize("width", [BLOCK, WORD])
def test_not_a_number_counts_as_not_zero(width: int) -> None:
    data = np.zeros(width, np.float32)
    data[1] = np.nan
    assert tuple(map(int, _scale(width, data, 0, np.zeros(width, np.float32), 0, np.float32(1)))) == (2, 2)


@kernel
def _turn_bits(words, w, bit, out, o):
    vector.turn_bits(words, w, bit, out, o)


@pytest.mark.parametrize("first", [0, 16, 48])
def test_a_bit_of_64_words_is_a_word(first: int) -> None:
    words = np.random.default_rng(0).integers(0, 2**64, 70, np.uint64)
    turned = np.full(vector.TURNED + 2, 7, np.uint64)
    _turn_bits(words, 3, first, turned, 1)
    for b in range(vector.TURNED):
        exact = sum((int(word) >> (first + b) & 1) << k for k, word in enumerate(words[3:67]))
        assert int(turned[1 + b]) == exact
    assert turned[0] == turned[-1] == 7


# -- a square turned in registers ----------------------------------------------------------------


@kernel
def _transpose(data, rows, r, unit, out, o, stride):
    vector.transpose_block(data, rows, r, unit, out, o, stride)


@pytest.mark.parametrize("dtype", DTYPES)
def test_transpose_turns_chosen_rows(dtype: Any) -> None:
    rng = np.random.default_rng(3)
    data = normal(dtype, 29, 41)
    samples = rng.permutation(29)[:BLOCK]
    rows = np.concatenate([[0, 0], samples * 41]).astype(np.int64)
    stride, unit = BLOCK + 3, 5
    out = np.full(2 + BLOCK * stride, SENTINEL, dtype)
    _transpose(data.reshape(-1), rows, 2, unit, out, 2, stride)
    turned = out[2:].reshape(BLOCK, stride)
    assert np.array_equal(turned[:, :BLOCK], data[samples, unit : unit + BLOCK].T)
    assert (turned[:, BLOCK:] == SENTINEL).all()
