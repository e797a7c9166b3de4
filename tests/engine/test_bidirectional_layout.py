"""Where the numbers of two directions lie: states shared, everything else of its own, nothing overlapping."""

from itertools import pairwise

import numpy as np
import pytest

from fastpc.engine import layout as columns
from fastpc.engine.bidirectional_layout import BidirectionalLayout
from fastpc.network import DTYPES

SHAPES = [(1, 1), (5, 3, 2), (33, 64, 128, 31, 7)]
OWN = ("PREDICTION", "ERROR", "PULL", "CHANGE")
SHARED = ("STATE", "ACTIVITY", "SLOPE")


def layout_of(sizes: tuple[int, ...], dtype: str) -> BidirectionalLayout:
    return BidirectionalLayout(sizes, [1, 2, 3][: len(sizes) - 2], np.dtype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SHAPES)
def test_weights_of_both_directions_fill_the_parameters_without_a_gap(sizes: tuple[int, ...], dtype: str) -> None:
    layout = layout_of(sizes, dtype)
    parameters = layout.empty_parameters()
    matrices = [*pairwise(sizes[::-1]), *pairwise(sizes)]
    assert len(parameters) == layout.n_parameters == sum((n + 1) * m for n, m in matrices)
    weights, biases = layout.weights(parameters), layout.biases(parameters)
    assert [array.shape for array in weights] == matrices
    assert [len(array) for array in biases] == [m for _, m in matrices]
    for array in (*weights, *biases):
        array[:] += 1
    assert np.all(parameters == 1)


@pytest.mark.parametrize("sizes", SHAPES)
def test_layer_k_from_above_is_layer_l_minus_k_from_below(sizes: tuple[int, ...]) -> None:
    layout = layout_of(sizes, "float32")
    up, down = np.split(layout.layers, 2)
    layout.place_batch(64)
    for name in (*SHARED, "SIZE", "BATCH_ACTIVITY", "ACTIVITY_STRIDE"):
        column = getattr(columns, name)
        assert np.array_equal(down[:, column], up[::-1, column])
    hidden = slice(1, -1)
    assert np.array_equal(down[hidden, columns.ACTIVATION], up[hidden, columns.ACTIVATION][::-1])
    # Image and label enter as they are.
    assert up[0, columns.ACTIVATION] == down[0, columns.ACTIVATION] == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SHAPES)
def test_areas_of_a_tile_do_not_overlap_and_end_before_its_slack(sizes: tuple[int, ...], dtype: str) -> None:
    layout = layout_of(sizes, dtype)
    up, down = np.split(layout.layers, 2)
    areas = []
    for rows, names in ((up, SHARED + OWN), (down, OWN)):
        for row in rows:
            ones = layout.lanes  # behind an activity
            areas += [(row[getattr(columns, name)], row[columns.SIZE] * layout.lanes + ones) for name in names]
    areas.sort()
    assert areas[0][0] >= layout.work_size
    assert all(start + size <= following for (start, size), (following, _) in pairwise(areas))
    assert sum(areas[-1]) <= layout.tile_size - layout.slack


@pytest.mark.parametrize("sizes", SHAPES)
def test_errors_of_a_batch_are_each_direction_s_own(sizes: tuple[int, ...]) -> None:
    layout = layout_of(sizes, "float64")
    n_errors, n_activities = layout.place_batch(48)
    rows = layout.layers[np.argsort(layout.layers[:, columns.BATCH_ERROR], kind="stable")]
    ends = rows[:, columns.BATCH_ERROR] + 48 * rows[:, columns.ERROR_STRIDE]
    assert np.all(ends[:-1] <= rows[1:, columns.BATCH_ERROR])
    assert ends[-1] <= n_errors
    assert np.all(
        layout.layers[:, columns.BATCH_ACTIVITY] + 48 * layout.layers[:, columns.ACTIVITY_STRIDE] <= n_activities
    )
