"""A search: its trials, what mattered, and how they learned."""

import numpy as np
import pytest

from fastpc import plots
from fastpc.errors import DataError

pytest.importorskip("matplotlib")


def trial(number, outcome, epochs, **settings):
    return {
        "number": number,
        "outcome": outcome,
        "accuracy": epochs[-1] if outcome == "complete" else None,
        "epochs": epochs,
        "settings": settings,
    }


TRIALS = [
    trial(0, "complete", (0.8, 0.9), rule="pc", lr=0.001, steps=3, step_size_kind="auto"),
    trial(1, "pruned", (0.5,), rule="ipc", lr=0.1, steps=4, step_size_kind="number", step_size=0.5),
    trial(2, "diverged", (), rule="pc", lr=1.0, steps=4, step_size_kind="auto"),
    trial(3, "complete", (0.85, 0.95), rule="pc", lr=0.01, steps=4, step_size_kind="auto"),
    trial(4, "complete", (0.7, 0.85), rule="pc", lr=0.003, steps=4, step_size_kind="number", step_size=0.1),
]


def labelled(axes, label):
    (line,) = (line for line in axes.get_lines() if line.get_label() == label)
    return list(line.get_xdata()), [float(y) for y in line.get_ydata()]


def test_every_trial_has_its_mark_and_the_lowest_error_its_line():
    (axes,) = plots.search_history(TRIALS).axes
    assert labelled(axes, "after the final epoch") == ([0, 3, 4], pytest.approx([10, 5, 15]))
    assert labelled(axes, "where it was ended early") == ([1], pytest.approx([50]))
    assert labelled(axes, "diverged or failed")[0] == [2]
    assert labelled(axes, "the lowest so far") == ([0, 3, 4, 4], pytest.approx([10, 5, 5, 5]))


def test_every_setting_has_its_panel_with_the_trials_that_drew_it():
    panels = {axes.get_title(loc="left"): axes for axes in plots.search_slices(TRIALS).axes}
    assert {"rule", "lr", "steps", "step size, as", "step size"} <= set(panels)
    found = {name: sum(len(line.get_xdata()) for line in axes.get_lines()) for name, axes in panels.items() if name}
    assert found == {"rule": 4, "lr": 4, "steps": 4, "step size, as": 4, "step size": 2}
    assert [text.get_text() for text in panels["rule"].get_xticklabels()] == ["pc", "ipc"]
    assert panels["lr"].get_xscale() == "log"


def test_a_single_trial_has_slices_too():
    axes = plots.search_slices(TRIALS[:1]).axes
    assert [panel.get_title(loc="left") for panel in axes] == ["rule", "lr", "steps", "step size, as"]


def test_an_error_of_zero_has_its_place():
    perfect = [*TRIALS, trial(5, "complete", (0.9, 1.0), rule="pc", lr=0.001, steps=3, step_size_kind="auto")]
    for figure in (plots.search_history(perfect), plots.search_slices(perfect), plots.search_curves(perfect)):
        assert figure.axes[0].get_yscale() == "linear"


def test_the_best_trial_s_curve_stands_out():
    (axes,) = plots.search_curves(TRIALS).axes
    assert labelled(axes, "trial 3, the best") == ([1, 2], pytest.approx([15, 5]))
    assert len(axes.get_lines()) == 4
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["complete", "ended early", "trial 3, the best"]


@pytest.mark.parametrize("draw", [plots.search_history, plots.search_slices, plots.search_curves])
def test_without_an_epoch_there_is_nothing_to_draw(draw):
    with pytest.raises(DataError, match="expected a trial that finished an epoch"):
        draw([TRIALS[2]])


def test_the_same_trials_give_the_same_picture(tmp_path):
    for name in ("a", "b"):
        plots.save_figure(plots.search_slices(TRIALS), tmp_path / f"{name}.png")
    assert np.array_equal(*(np.frombuffer((tmp_path / f"{name}.png").read_bytes(), np.uint8) for name in ("a", "b")))
