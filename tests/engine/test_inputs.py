"""How samples enter a tile: whatever form they come in, the tile is the same."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array

from engine.accuracy import Array
from engine.compiled import kernel
from fastpc.engine import inputs as engine_inputs
from fastpc.engine.llvm import BLOCK, lanes
from fastpc.engine.workspace import inputs_of

DTYPES = (np.float32, np.float64)
SENTINEL = 77.0


@kernel
def _load(data, order, first, count, n, out, o, width, masks, m, listed, work):
    engine_inputs.prefetch_inputs(data, order, first, count, n)
    return engine_inputs.load_inputs(data, order, first, count, n, out, o, width, masks, m, listed, work)


class Tile(NamedTuple):
    """What `load_inputs` makes of samples, without the lanes that hold none."""

    numbers: Array  # (n_0 + 1, count)
    masks: Array  # (n_0 + 1,)
    listed: Array


def load(rows: Any, order: Array, dtype: Any, scale: float = 1.0, first: int = 0) -> Tile:
    """Load ``order[first:]``, at most one tile, between sentinels."""
    width, n = lanes(dtype), rows.shape[1]
    count = min(width, len(order) - first)
    data = inputs_of(rows, None, scale, 1.0, False, np.dtype(dtype))
    out = np.full(2 + (n + 1) * width, SENTINEL, dtype)
    masks = np.full(n + 3, 5, np.uint64)
    listed = np.full(n + 2, -1, np.int32)
    work = np.zeros(4 * width, np.int64)
    order = order.astype(np.int64)
    found = _load(data, order, first, count, n, out, 1, width, masks, 1, listed, work)
    assert (out[[0, -1]] == SENTINEL).all()
    assert (masks[[0, -1]] == 5).all()
    numbers = out[1:-1].reshape(n + 1, width)
    assert np.isfinite(numbers).all(), "lanes without a sample hold finite numbers too"
    return Tile(numbers[:, :count], masks[1:-1], listed[:found])


def expected(rows: Array, samples: Array, dtype: Any, scale: float = 1.0) -> Tile:
    chosen = rows[samples].astype(dtype) * dtype(scale)
    with_bias = np.concatenate([chosen, np.ones((len(samples), 1), dtype)], axis=1)
    bits = np.uint64(1) << np.arange(len(samples), dtype=np.uint64)
    masks = ((with_bias != 0) * bits[:, None]).sum(axis=0, dtype=np.uint64)
    return Tile(with_bias.T, masks, np.flatnonzero(masks))


def assert_same(found: Tile, exact: Tile) -> None:
    for name, a, b in zip(Tile._fields, found, exact, strict=True):
        assert np.array_equal(a, b), name


def images(n_units: int, n_samples: int = 70, lit: float = 0.2) -> Array:
    rng = np.random.default_rng(n_units)
    pixels = rng.integers(1, 256, (n_samples, n_units))
    return np.where(rng.random(pixels.shape) < lit, pixels, 0).astype(np.uint8)


# Below a block, at it, beyond it, with and without a rest.
WIDTHS = (1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_units", WIDTHS)
def test_bytes_floats_and_csr_make_the_same_tile(n_units: int, dtype: Any) -> None:
    pixels = images(n_units)
    order = np.random.default_rng(1).permutation(len(pixels))[: lanes(dtype)]
    exact = expected(pixels, order, dtype, 1 / 255)
    assert_same(load(pixels, order, dtype, 1 / 255), exact)
    assert_same(load(pixels.astype(dtype), order, dtype, 1 / 255), exact)
    assert_same(load(csr_array(pixels), order, dtype, 1 / 255), exact)
    assert_same(load(csr_array(pixels.astype(dtype)), order, dtype, 1 / 255), exact)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("count", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1])
def test_a_short_tile_marks_only_its_samples(count: int, form: Any, dtype: Any) -> None:
    count = min(count, lanes(dtype))
    pixels = images(37)
    order = np.arange(3, 3 + 5 + count)
    tile = load(form(pixels), order, dtype, first=5)
    assert_same(tile, expected(pixels, order[5:], dtype))
    assert tile.masks[-1] == np.uint64((1 << count) - 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("lit", [0.0, 1.0])
def test_dark_and_fully_lit_images(lit: float, form: Any, dtype: Any) -> None:
    pixels = images(3 * BLOCK + 5, lit=lit)
    order = np.arange(lanes(dtype))
    tile = load(form(pixels), order, dtype)
    assert_same(tile, expected(pixels, order, dtype))
    every_unit = list(range(3 * BLOCK + 6))
    assert tile.listed.tolist() == (every_unit if lit else every_unit[-1:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", [np.asarray, csr_array])
@pytest.mark.parametrize("unit", [0, BLOCK - 1, BLOCK, 3 * BLOCK + 4])
def test_one_pixel_in_one_image(unit: int, form: Any, dtype: Any) -> None:
    pixels = images(3 * BLOCK + 5, lit=0.0)
    pixels[6, unit] = 1
    tile = load(form(pixels), np.arange(lanes(dtype)), dtype)
    assert tile.listed.tolist() == [unit, 3 * BLOCK + 5]
    assert tile.masks[unit] == 1 << 6
    assert tile.numbers[unit, 6] == 1
    assert np.count_nonzero(tile.numbers[:-1]) == 1


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
