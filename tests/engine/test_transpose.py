"""Rows turned to tiles and tiles to rows, of any size."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import Array
from engine.compiled import kernel
from fastpc.engine import transpose
from fastpc.engine.llvm import BLOCK, lanes

DTYPES = (np.float32, np.float64)
SENTINEL = 77.0
WIDTHS = (1, BLOCK - 1, BLOCK, 2 * BLOCK + 3)


def normal(dtype: Any, *shape: int) -> Array:
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(dtype)


@kernel
def _turn_rows(matrix, m, stride, count, width, out, o, n_lanes, work):
    transpose.turn_rows(matrix, m, stride, count, width, out, o, n_lanes, work)


@kernel
def _store_rows(tile, start, size, count, n_lanes, out, o, stride, work):
    transpose.store_rows(tile, start, size, count, n_lanes, out, o, stride, work)


def counts(dtype: Any) -> tuple[int, ...]:
    return (1, lanes(dtype) // 2 + 1, lanes(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
def test_rows_become_lanes_and_the_last_fills_those_left_over(width: int, dtype: Any) -> None:
    n_lanes, stride = lanes(dtype), width + 3
    rows, work = normal(dtype, n_lanes, stride), np.zeros(2 * n_lanes, np.int64)
    for count in counts(dtype):
        out = np.full(width * n_lanes + 2, SENTINEL, dtype)
        _turn_rows(rows.reshape(-1), 2, stride, count, width, out, 1, n_lanes, work)
        chosen = np.minimum(np.arange(n_lanes), count - 1)
        exact = rows.reshape(-1)[2 + chosen * stride + np.arange(width)[:, None]]
        assert np.array_equal(out[1:-1].reshape(width, n_lanes), exact)
        assert (out[[0, -1]] == SENTINEL).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
def test_lanes_become_rows(width: int, dtype: Any) -> None:
    n_lanes, stride = lanes(dtype), width + 3
    tile, work = normal(dtype, width, n_lanes), np.zeros(2 * n_lanes, np.int64)
    for count in counts(dtype):
        out = np.full(n_lanes * stride + 1, SENTINEL, dtype)
        _store_rows(tile.reshape(-1), 0, width, count, n_lanes, out, 1, stride, work)
        rows = out[1:].reshape(n_lanes, stride)
        assert np.array_equal(rows[:count, :width], tile.T[:count])
        assert (rows[:, width:] == SENTINEL).all()
