"""Runs beside each other."""

import numpy as np
import pytest

from fastpc import plots
from fastpc.errors import DataError

pytest.importorskip("matplotlib")

FAST, SLOW = (
    [
        {"accuracy": accuracy, "validation_accuracy": None, "energy": [1 - accuracy], "train_seconds": seconds}
        for accuracy in (0.8, 0.9)
    ]
    for seconds in (1.0, 3.0)
)


def test_runs_are_drawn_over_epochs_and_over_seconds():
    by_epoch, by_seconds = plots.comparison({"fast": FAST, "slow": SLOW}).axes
    assert [list(line.get_xdata()) for line in by_epoch.get_lines()] == [[1, 2], [1, 2]]
    assert [list(line.get_xdata()) for line in by_seconds.get_lines()] == [[1, 2], [3, 6]]
    assert by_epoch.get_lines()[0].get_ydata() == pytest.approx([20, 10])


def test_test_errors_are_at_the_ends_and_in_the_legend():
    figure = plots.comparison({"fast": FAST, "slow": SLOW}, {"fast": 0.875, "slow": None})
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["fast: test 87.50%", "slow"]
    ends = [line for line in figure.axes[1].get_lines() if len(line.get_xdata()) == 1]
    assert [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in ends] == [(2.0, 12.5)]


def test_where_one_recognises_nothing_energies_are_compared():
    blind = [epoch | {"accuracy": None} for epoch in FAST]
    axes = plots.comparison({"fast": FAST, "blind": blind}).axes[0]
    np.testing.assert_allclose(axes.get_lines()[0].get_ydata(), [0.2, 0.1])
    assert axes.get_yscale() == "log"


def test_nothing_to_compare_is_refused():
    with pytest.raises(DataError, match="at least one run"):
        plots.comparison({})
