"""Products over a tile: blocks that cover all rows, and rows picked by bits."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import Array, relative_error
from engine.compiled import kernel
from fastpc.engine import products
from fastpc.engine.llvm import ROWS, lanes

DTYPES = (np.float32, np.float64)


def normal(dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(dtype)


@kernel
def _starts(n_rows, out):
    count = products.n_blocks(n_rows)
    for block in range(count + 1):
        out[block] = products.block_start(n_rows, block)
    return count


@pytest.mark.parametrize("n_rows", [1, 2, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS + 1, 100, 784, 785])
def test_blocks_cover_all_rows_evenly(n_rows: int) -> None:
    out = np.zeros(n_rows + 2, np.int64)
    count = _starts(n_rows, out)
    heights = np.diff(out[: count + 1])
    assert count == -(-n_rows // ROWS)
    assert out[0] == 0
    assert heights.sum() == n_rows
    assert heights.max() <= ROWS
    assert heights.max() - heights.min() <= 1


@kernel
def _tile_product(weights, n_in, n_out, tile, out, width):
    """out[j, :] = sum over i of weights[i, j] tile[i, :], block after block, as predictions are."""
    products.multiply_band(n_out, out, 0, width, weights, 0, n_out, 1, tile, 0, width, n_in)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 10), (17, ROWS), (30, ROWS + 1), (50, 67)])
def test_products_of_any_shape(shape: tuple[int, int], dtype: Any) -> None:
    (n_in, n_out), width = shape, lanes(dtype)
    weights, tile = normal(dtype, n_in, n_out), normal(dtype, n_in, width)
    out = np.empty((n_out, width), dtype)
    _tile_product(weights.reshape(-1), n_in, n_out, tile.reshape(-1), out.reshape(-1), width)
    exact = weights.astype(np.float64).T @ tile
    assert relative_error(out, exact) <= 20 * np.finfo(dtype).eps


@kernel
def _accumulate_rows(out, o, anew, mask, scalars, values, s, places, matrix, m, stride, width, n_lanes):
    column = 0
    while column < width:
        strip = products.strip_width(width - column, n_lanes)
        products.accumulate_rows(
            out, o + column, anew, mask, scalars, values, s, places, matrix, m + column, stride, strip, n_lanes
        )
        column += strip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 10, 32, 33, 96, 97, 100, 112, 113, 128, 129, 200, 257])
def test_accumulated_rows_of_any_width(width: int, dtype: Any) -> None:
    """Whole lane groups are written, of which only the first `width` columns count."""
    n_lanes = lanes(dtype)
    stride = -(-width // n_lanes) * n_lanes
    n_samples, slack = n_lanes, 4 * n_lanes
    scalars = normal(dtype, n_samples)
    matrix = np.zeros(n_samples * stride + slack, dtype)
    matrix[: n_samples * stride] = normal(dtype, n_samples * stride)
    rows = matrix[: n_samples * stride].reshape(n_samples, stride)
    out = np.zeros(stride + slack, dtype)
    before = normal(dtype, stride)
    out[:stride] = before
    chosen = [k for k in range(n_samples) if k % 3]
    mask = np.uint64(sum(1 << k for k in chosen))
    added = scalars[chosen].astype(np.float64) @ rows[chosen]
    for anew, exact in ((False, before + added), (True, added)):
        _accumulate_rows(out, 0, anew, mask, scalars, scalars, 0, 0, matrix, 0, stride, width, n_lanes)
        assert relative_error(out[:width], exact[:width]) <= 20 * np.finfo(dtype).eps
