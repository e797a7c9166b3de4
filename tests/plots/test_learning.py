"""Learning curves: every epoch is drawn, and what was not measured is not."""

import numpy as np
import pytest

from fastpc import plots
from fastpc.errors import DataError
from fastpc.history import EpochRecord, History

pytest.importorskip("matplotlib")

EPOCHS = [
    {"accuracy": 0.8, "validation_accuracy": None, "energy": [0.0, 0.5], "train_seconds": 2.0},
    {"accuracy": 0.9, "validation_accuracy": None, "energy": [1e-3, 0.25], "train_seconds": 1.0},
]


def lines(axes):
    return {line.get_label(): np.asarray(line.get_ydata()) for line in axes.get_lines()}


def test_error_and_energy_of_every_epoch_are_drawn():
    error, energy = plots.learning_curves(EPOCHS).axes
    (drawn,) = lines(error).values()
    assert drawn == pytest.approx([20, 10])
    assert lines(energy)["layer 2"] == pytest.approx([0.5, 0.25])
    assert np.isnan(lines(energy)["layer 1"][0])  # a logarithm has no place for zero


def test_held_out_and_test_error_have_lines_of_their_own():
    epochs = [epoch | {"validation_accuracy": 0.75} for epoch in EPOCHS]
    drawn = lines(plots.learning_curves(epochs, test_accuracy=0.875).axes[0])
    assert drawn["held out"] == pytest.approx([25, 25])
    assert drawn["test, after the last"] == pytest.approx([12.5])


def test_without_labels_energy_stands_alone():
    figure = plots.learning_curves([epoch | {"accuracy": None} for epoch in EPOCHS], test_accuracy=0.5)
    (axes,) = figure.axes
    assert "50.00%" in axes.get_title(loc="right")


def test_a_history_is_drawn_as_its_lines_of_metrics_are():
    records = [
        EpochRecord(k + 1, tuple(e["energy"]), e["accuracy"], None, 10, 1.0, 0.1, 0.1) for k, e in enumerate(EPOCHS)
    ]
    one, other = (lines(plots.learning_curves(history).axes[1]) for history in (History(records), EPOCHS))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name])


def test_both_directions_are_named():
    drawn = lines(plots.learning_curves(EPOCHS, bidirectional=True).axes[1])
    assert set(drawn) == {"bottom-up 1", "top-down 1"}


def test_of_many_layers_the_first_the_last_and_some_are_drawn():
    deep = [epoch | {"energy": [0.1] * 40} for epoch in EPOCHS]
    drawn = lines(plots.learning_curves(deep).axes[1])
    assert {"layer 1", "layer 40"} <= set(drawn)
    assert len(drawn) == 7


def test_an_error_of_zero_is_seen():
    error = plots.learning_curves([epoch | {"accuracy": 1.0} for epoch in EPOCHS]).axes[0]
    assert error.get_yscale() == "linear"


@pytest.mark.parametrize("history", [[], [{"accuracy": 1.0}], [None]])
def test_what_is_no_history_is_refused(history):
    with pytest.raises(DataError, match="expected"):
        plots.learning_curves(history)
