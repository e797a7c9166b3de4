"""Where every number lies: nothing overlaps, nothing is left out, lines begin where they should."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from fastpc.engine import layout as columns
from fastpc.engine.layout import SLACK_GROUPS, Layout, aligned_zeros
from fastpc.engine.llvm import lanes

DTYPES = ("float32", "float64")
SHAPES = [(1, 1), (5, 3, 2), (784, 128, 10), (33, 64, 128, 31, 7)]
AREAS = ("STATE", "PREDICTION", "ERROR", "ACTIVITY", "SLOPE", "VELOCITY", "PULL", "CHANGE")


def layout_of(sizes: tuple[int, ...], dtype: str) -> Layout:
    return Layout(sizes, [0] * (len(sizes) - 1), np.dtype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SHAPES)
def test_weights_and_biases_fill_the_parameters_without_a_gap(sizes: tuple[int, ...], dtype: str) -> None:
    layout = layout_of(sizes, dtype)
    parameters = layout.empty_parameters()
    assert len(parameters) == layout.n_parameters == sum((n + 1) * m for n, m in pairwise(sizes))
    layers = zip(layout.weights(parameters), layout.biases(parameters), strict=True)
    for l, (weights, biases) in enumerate(layers, 1):
        assert weights.shape == (sizes[l - 1], sizes[l])
        assert biases.shape == (sizes[l],)
        weights[:] = l
        biases[:] = l + 0.5
    expected = [np.concatenate([np.full(n * m, l), np.full(m, l + 0.5)]) for l, (n, m) in enumerate(pairwise(sizes), 1)]
    assert np.array_equal(parameters, np.concatenate(expected))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SHAPES)
def test_areas_of_a_tile_do_not_overlap_and_end_before_its_slack(sizes: tuple[int, ...], dtype: str) -> None:
    layout = layout_of(sizes, dtype)
    begun = [getattr(columns, name) for name in AREAS]
    areas = sorted(
        (row[column], row[column] + (row[columns.SIZE] + 1) * layout.lanes) for row in layout.layers for column in begun
    )
    assert areas[0][0] == layout.work_size
    assert all(end <= start for (_, end), (start, _) in pairwise(areas))
    assert areas[-1][1] + SLACK_GROUPS * layout.lanes <= layout.tile_size
    assert all(start % layout.lanes == 0 for start, _ in areas)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch_size", [1, 32, 70])
@pytest.mark.parametrize("sizes", SHAPES)
def test_rows_of_a_batch_do_not_overlap(sizes: tuple[int, ...], batch_size: int, dtype: str) -> None:
    layout = layout_of(sizes, dtype)
    n_errors, n_activities = layout.place_batch(batch_size)
    for start, stride, total in (
        (columns.BATCH_ERROR, columns.ERROR_STRIDE, n_errors),
        (columns.BATCH_ACTIVITY, columns.ACTIVITY_STRIDE, n_activities),
    ):
        ends = [0]
        for row in layout.layers:
            assert row[stride] >= row[columns.SIZE] + 1
            assert row[start] == ends[-1]
            ends.append(row[start] + batch_size * row[stride])
        assert ends[-1] + SLACK_GROUPS * layout.lanes == total


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_batch_s_rows_are_whole_lane_groups_and_off_multiples_of_512_bytes(dtype: str) -> None:
    for size in (1, 10, 31, 32, 64, 128, 256, 784):
        layout = layout_of((3, size), dtype)
        layout.place_batch(32)
        for column in (columns.ERROR_STRIDE, columns.ACTIVITY_STRIDE):
            stride = layout.layers[1, column]
            assert stride % lanes(dtype) == 0
            assert stride * np.dtype(dtype).itemsize % 512


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [1, 7, 64, 1000, (1, 1), (3, 7), (5, 64), (2, 1001)])
def test_zeros_begin_cache_lines(shape: Any, dtype: str) -> None:
    zeros = aligned_zeros(shape, dtype)
    if isinstance(shape, tuple):
        # Rows are filled up to whole cache lines, so that the array is contiguous whatever its shape.
        assert zeros.shape[0] == shape[0]
        assert shape[1] <= zeros.shape[1] < shape[1] + 64 // zeros.itemsize
    else:
        assert zeros.shape == (shape,)
    assert zeros.flags.c_contiguous
    assert zeros.dtype == dtype
    assert not zeros.any()
    for row in zeros if zeros.ndim == 2 else [zeros]:
        assert row.ctypes.data % 64 == 0


def test_parameters_have_slack_behind_them_in_memory() -> None:
    layout = layout_of((5, 3, 2), "float32")
    parameters = layout.empty_parameters()
    base: Any = parameters.base
    behind = base.ctypes.data + base.nbytes - parameters.ctypes.data - parameters.nbytes
    assert behind >= layout.slack * parameters.itemsize


def test_activation_codes_stand_at_the_layers_whose_states_they_take() -> None:
    layout = Layout((4, 3, 2, 1), [0, 5, 7], np.dtype("float32"))
    assert layout.layers[:, columns.ACTIVATION].tolist() == [0, 5, 7, 0]
    assert layout.layers[:, columns.SIZE].tolist() == [4, 3, 2, 1]
    assert layout.layers.shape[1] == columns.N_COLUMNS
