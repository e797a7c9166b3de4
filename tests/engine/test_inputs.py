"""How samples enter: whatever form they come in, the rows are the same."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array

from engine.accuracy import Array
from engine.compiled import kernel
from fastpc.engine import inputs as engine_inputs
from fastpc.engine.llvm import BLOCK, WORD, lanes
from fastpc.engine.workspace import inputs_of

DTYPES = (np.float32, np.float64)
SENTINEL = 77.0


@kernel
def _load(data, order, first, count, n, out, o, stride, masks, row):
    # From the last to the first: none may touch another's numbers.
    for section in range(engine_inputs.n_sections(n) - 1, -1, -1):
        engine_inputs.prefetch_inputs(data, order, first, count, n, section)
        engine_inputs.load_inputs(data, order, first, count, n, section, out, o, stride, masks, row)


class Rows(NamedTuple):
    """What `load_inputs` makes of samples."""

    numbers: Array  # (count, n_0)
    is_set: Array  # the same, of bool


def load(rows: Any, order: Array, dtype: Any, scale: float = 1.0, first: int = 0, as_bytes: bool = False) -> Rows:
    """Load ``order[first:]`` between sentinels."""
    n, count, gap = rows.shape[1], len(order) - first, 3
    data = inputs_of(rows, None, scale, 1.0, False, np.dtype(dtype))
    out = np.full((count + 2, n + gap), SENTINEL, np.uint8 if as_bytes else dtype)
    masks = np.full((n // WORD + 1, count + 5), 5, np.uint64)
    _load(data, order.astype(np.int64), first, count, n, out.reshape(-1), n + gap, n + gap, masks.reshape(-1), 3)
    assert (out[[0, -1]] == SENTINEL).all()
    assert (out[:, n:] == SENTINEL).all()
    assert (masks[:, :3] == 5).all()
    assert (masks[:, 3 + count :] == 5).all()
    bits = masks[:, 3 : 3 + count].T[:, :, None] >> np.arange(WORD, dtype=np.uint64) & np.uint64(1)
    is_set = bits.reshape(count, -1) != 0
    assert not is_set[:, n:].any()
    return Rows(out[1:-1, :n], is_set[:, :n])


def expected(rows: Array, samples: Array, dtype: Any, scale: float = 1.0) -> Rows:
    chosen = rows[samples].astype(dtype) * dtype(scale)
    return Rows(chosen, chosen != 0)


def assert_same(found: Rows, exact: Rows) -> None:
    for name, a, b in zip(Rows._fields, found, exact, strict=True):
        assert np.array_equal(a, b), name


def images(n_units: int, n_samples: int = 70, lit: float = 0.2) -> Array:
    rng = np.random.default_rng(n_units)
    pixels = rng.integers(1, 256, (n_samples, n_units))
    return np.where(rng.random(pixels.shape) < lit, pixels, 0).astype(np.uint8)


# Below a block, at it, beyond it, with and without a rest; no word left for the bias; several sections.
WIDTHS = (1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, WORD - 1, WORD, 784)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", WIDTHS)
def test_bytes_floats_and_csr_make_the_same_rows(n_units: int, dtype: Any) -> None:
    pixels = images(n_units)
    order = np.random.default_rng(1).permutation(len(pixels))[: lanes(dtype)]
    exact = expected(pixels, order, dtype, 1 / 255)
    assert_same(load(pixels, order, dtype, 1 / 255), exact)
    assert_same(load(pixels.astype(dtype), order, dtype, 1 / 255), exact)
    assert_same(load(csr_array(pixels), order, dtype, 1 / 255), exact)
    assert_same(load(csr_array(pixels.astype(dtype)), order, dtype, 1 / 255), exact)
    as_they_are = Rows(pixels[order], exact.is_set)
    assert_same(load(pixels, order, dtype, 1 / 255, as_bytes=True), as_they_are)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("count", [1, 2, BLOCK + 1])
def test_samples_from_the_middle_of_an_order(count: int, form: Any, dtype: Any) -> None:
    pixels = images(37)
    order = np.arange(3, 3 + 5 + count)
    assert_same(load(form(pixels), order, dtype, first=5), expected(pixels, order[5:], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("lit", [0.0, 1.0])
def test_dark_and_fully_lit_images(lit: float, form: Any, dtype: Any) -> None:
    pixels = images(3 * BLOCK + 5, lit=lit)
    rows = load(form(pixels), np.arange(9), dtype)
    assert_same(rows, expected(pixels, np.arange(9), dtype))
    assert (rows.is_set == bool(lit)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("unit", [0, BLOCK - 1, BLOCK, WORD, WORD + 4])
def test_one_pixel_in_one_image(unit: int, form: Any, dtype: Any) -> None:
    pixels = images(WORD + 5, lit=0.0)
    pixels[6, unit] = 1
    rows = load(form(pixels), np.arange(9), dtype)
    assert np.argwhere(rows.is_set).tolist() == [[6, unit]]
    assert rows.numbers[6, unit] == 1
    assert np.count_nonzero(rows.numbers) == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_negative_and_fractional_numbers(form: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(0, 1, (40, 41)) * rng.integers(0, 2, (40, 41))).astype(dtype)
    order = rng.permutation(40)[: lanes(dtype)]
    assert_same(load(form(rows), order, dtype, 0.7), expected(rows, order, dtype, 0.7))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_may_come_twice(dtype: Any) -> None:
    pixels = images(20)
    order = np.array([4, 4, 9, 4])
    assert_same(load(pixels, order, dtype), expected(pixels, order, dtype))


@kernel
def _mark(data, order, first, count, n, masks, row):
    for section in range(engine_inputs.n_sections(n)):
        engine_inputs.mark_inputs(data, order, first, count, n, section, masks, row)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", WIDTHS)
def test_marks_of_samples_that_stay_in_place_are_those_of_copies(n_units: int, dtype: Any) -> None:
    rows = images(n_units).astype(dtype)
    rows[3, 0] = np.nan  # no number is not zero either
    order = np.random.default_rng(1).permutation(len(rows))[:9]
    data = inputs_of(rows, None, 1.0, 1.0, False, np.dtype(dtype))
    masks = np.full((n_units // WORD + 1, 12), 5, np.uint64)
    _mark(data, order, 2, 7, n_units, masks.reshape(-1), 3)
    bits = masks[:, 3:10].T[:, :, None] >> np.arange(WORD, dtype=np.uint64) & np.uint64(1)
    assert np.array_equal(bits.reshape(7, -1)[:, :n_units] != 0, rows[order[2:]] != 0)
    assert not bits.reshape(7, -1)[:, n_units:].any()
    assert (np.delete(masks, range(3, 10), axis=1) == 5).all()


@kernel
def _sections(n, found):
    """Write to ``found[word]`` a word's section by one way and by the other."""
    for section in range(engine_inputs.n_sections(n)):
        for word in range(engine_inputs.section_start(n, section), engine_inputs.section_start(n, section + 1)):
            found[word] = section, engine_inputs.section_of(n, word)


@pytest.mark.parametrize("n_units", WIDTHS)
def test_the_section_of_a_word(n_units: int) -> None:
    found = np.full((n_units // WORD + 1, 2), -1)
    _sections(n_units, found)
    assert (found >= 0).all()
    assert np.array_equal(found[:, 0], found[:, 1])


# -- targets -------------------------------------------------------------------------------------


@kernel
def _load_target(data, sample, n_outputs, tile, target, width, lane):
    engine_inputs.load_target(data, sample, n_outputs, tile, target, width, lane)


def load_target(targets: Array, sample: int, labelled: bool, scale: float, dtype: Any) -> Array:
    """Return one lane of a tile after `load_target`; all other lanes must stay as they were."""
    width, lane, n = lanes(dtype), 3, 5
    rows = np.zeros((len(targets), 2), dtype)
    data = inputs_of(rows, targets, 1.0, scale, labelled, np.dtype(dtype))
    tile = np.full(4 + n * width, SENTINEL, dtype)
    _load_target(data, sample, n, tile, 4, width, lane)
    numbers = tile[4:].reshape(n, width)
    assert (np.delete(numbers, lane, axis=1) == SENTINEL).all()
    assert (tile[:4] == SENTINEL).all()
    return numbers[:, lane]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_label_becomes_one_hot(dtype: Any) -> None:
    labels = np.array([4, 0, 2], np.int64)
    for sample, label in enumerate(labels):
        found = load_target(labels, sample, True, 1.0, dtype)
        assert found.tolist() == np.eye(5)[label].tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_dense_targets_are_scaled(dtype: Any) -> None:
    targets = np.random.default_rng(0).normal(0, 1, (3, 5)).astype(dtype)
    for sample in range(3):
        found = load_target(targets, sample, False, 0.5, dtype)
        assert np.array_equal(found, targets[sample] * dtype(0.5))
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    found = load_target(pixels, 2, False, 1 / 255, dtype)
    assert np.array_equal(found, pixels[2].astype(dtype) * dtype(1 / 255))
