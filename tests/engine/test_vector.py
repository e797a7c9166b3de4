"""Each intrinsic, through a small compiled function, against NumPy."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import Array, relative_error
from engine.compiled import kernel
from fastpc.engine import vector
from fastpc.engine.llvm import BLOCK, ROWS, lanes

DTYPES = (np.float32, np.float64)
SENTINEL = 77.0


def normal(dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(dtype)


def tolerance(dtype: Any) -> float:
    return 20 * float(np.finfo(dtype).eps)


# -- products ------------------------------------------------------------------------------------


@kernel
def _product(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count):
    vector.product_block(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, out, count)


@kernel
def _listed_product(rows, out, scalars, step_k, step_m, vectors, step_v, indices, count):
    vector.indexed_product_block(rows, out, 0, step_v, scalars, 0, step_k, step_m, vectors, 0, step_v, indices, count)


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, ROWS // 2 + 1, ROWS])
def test_listed_product_is_the_product_over_the_list(rows: int, dtype: Any) -> None:
    width, n = lanes(dtype), 53
    scalars, vectors = normal(dtype, n, rows), normal(dtype, n, width)
    for listed in ([], [52], [0, 3, 4, 17, 52], list(range(n))):
        out = np.full(rows * width, SENTINEL, dtype)
        indices = np.array([*listed, 0], np.int32)
        _listed_product(
            rows, out, scalars.reshape(-1), rows, 1, vectors.reshape(-1), width, indices,
            len(listed),
        )  # fmt: skip
        exact = scalars[listed].astype(np.float64).T @ vectors[listed]
        assert relative_error(out.reshape(rows, width), exact) <= tolerance(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_leaving_out_zeros_changes_no_bit(dtype: Any) -> None:
    width, rows, n = lanes(dtype), ROWS, 40
    scalars, vectors = normal(dtype, n, rows), normal(dtype, n, width)
    listed = np.flatnonzero(np.arange(n) % 3).astype(np.int32)
    vectors[::3] = 0
    whole, part = np.empty((2, rows * width), dtype)
    _listed_product(
        rows, whole, scalars.reshape(-1), rows, 1, vectors.reshape(-1), width,
        np.arange(n, dtype=np.int32), n,
    )  # fmt: skip
    _listed_product(rows, part, scalars.reshape(-1), rows, 1, vectors.reshape(-1), width, listed, len(listed))
    assert np.array_equal(whole, part)


# -- sums over set bits --------------------------------------------------------------------------


@kernel
def _accumulate(wide, out, o, mask, scalars, s, matrix, m, stride):
    if wide:
        vector.accumulate_wide(out, o, mask, scalars, s, matrix, m, stride)
    else:
        vector.accumulate_narrow(out, o, mask, scalars, s, matrix, m, stride)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("bits", [(), (0,), (63,), (2, 3, 40), tuple(range(64))])
def test_accumulate_adds_the_rows_of_set_bits(bits: tuple[int, ...], wide: bool, dtype: Any) -> None:
    width = lanes(dtype) * (4 if wide else 1)
    scalars, matrix = normal(dtype, 65), normal(dtype, 64, width + 3)
    out = np.full(width + 2, SENTINEL, dtype)
    before = normal(dtype, width)
    out[1:-1] = before
    mask = np.uint64(sum(1 << bit for bit in bits))
    _accumulate(wide, out, 1, mask, scalars, 1, matrix.reshape(-1), 2, width + 3)
    chosen = list(bits)
    added = scalars[1:][chosen].astype(np.float64) @ matrix[chosen, 2 : width + 2]
    assert relative_error(out[1:-1], before + added) <= tolerance(dtype)
    assert (out[[0, -1]] == SENTINEL).all()


# -- a square turned in registers ----------------------------------------------------------------


@kernel
def _transpose(data, rows, r, unit, out, o, stride, scale, bits, m):
    vector.transpose_block(data, rows, r, unit, out, o, stride, scale, bits, m)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.uint8, np.float32),
        (np.uint8, np.float64),
        (np.float32, np.float32),
        (np.float64, np.float64),
    ],
)
def test_transpose_turns_scales_and_marks(source: Any, target: Any) -> None:
    rng = np.random.default_rng(3)
    data = rng.integers(0, 256, (29, 41)) * rng.integers(0, 2, (29, 41))
    data = (data if source == np.uint8 else data - 100.0 * (data > 0)).astype(source)
    samples = rng.permutation(29)[:BLOCK]
    rows = np.concatenate([[0, 0], samples * 41]).astype(np.int64)
    stride, unit, scale = BLOCK + 3, 5, target(1 / 255)
    out = np.full(2 + BLOCK * stride, SENTINEL, target)
    bits = np.full(BLOCK + 2, -1, np.int64)
    _transpose(data.reshape(-1), rows, 2, unit, out, 2, stride, scale, bits, 1)
    square = data[samples, unit : unit + BLOCK].T
    turned = out[2:].reshape(BLOCK, stride)
    assert np.array_equal(turned[:, :BLOCK], square.astype(target) * scale)
    assert (turned[:, BLOCK:] == SENTINEL).all()
    marks = (square != 0) @ (1 << np.arange(BLOCK))
    assert bits.tolist() == [-1, *marks, -1]
