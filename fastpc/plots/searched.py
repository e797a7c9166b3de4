"""A search for settings: how far it came, what mattered, and how its trials learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc.errors import DataError
from fastpc.plots.learning import error_scale, percent_wrong
from fastpc.plots.style import BLUE, GREY, ORANGE, VERMILION, new_figure, sparse_decades, tidy, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
UNDER = "% of what is held out recognised wrongly"


def search_history(trials: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the held-out error of every trial, and the lowest of complete ones so far.

    Parameters
    ----------
    trials : sequence of mapping
        With ``number``, ``outcome``, ``accuracy``, ``epochs`` (the accuracy after each) and ``settings``, as
        `fastpc.tuning.Row` names them.

    Raises
    ------
    DataError
        If no trial finished an epoch.
    """
    _require_epochs(trials)
    figure = new_figure(3.2)
    axes = figure.subplots()
    complete = [trial for trial in trials if trial["accuracy"] is not None]
    pruned = [trial for trial in trials if trial["accuracy"] is None and trial["epochs"]]
    lost = [trial["number"] for trial in trials if trial["outcome"] in ("diverged", "failed")]
    if pruned:
        errors = percent_wrong([trial["epochs"][-1] for trial in pruned])
        numbers = [trial["number"] for trial in pruned]
        axes.plot(numbers, errors, "v", color=GREY, markersize=4, fillstyle="none", label="where it was ended early")
    if complete:
        errors, numbers = percent_wrong([t["accuracy"] for t in complete]), [t["number"] for t in complete]
        axes.plot(numbers, errors, "o", color=BLUE, markersize=4, label="after the final epoch")
        least = np.minimum.accumulate(errors)
        axes.step([*numbers, max(t["number"] for t in trials)], [*least, least[-1]], where="post", color=VERMILION,
                  linewidth=1.3, label="the lowest so far")  # fmt: skip
    tidy(axes, "error of each trial", "trial", UNDER)
    error_scale(axes)
    if lost:
        axes.plot(lost, [0.97] * len(lost), "x", color=ORANGE, markersize=5, transform=axes.get_xaxis_transform(),
                  label="diverged or failed")  # fmt: skip
    whole_numbers(axes.xaxis)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def search_slices(trials: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the held-out error over every setting that was searched, a panel for each.

    Of a trial that was ended early it is the last one measured; such trials are drawn open.

    Parameters
    ----------
    trials
        See `search_history`.

    Raises
    ------
    DataError
        If no trial finished an epoch.
    """
    _require_epochs(trials)
    measured = [trial for trial in trials if trial["epochs"]]
    drawn = dict.fromkeys(name for trial in measured for name in trial["settings"])
    names = [name for name in drawn if _varies(measured, name)] or list(drawn)
    columns = min(COLUMNS, max(1, len(names)))
    rows = max(1, -(-len(names) // columns))
    figure = new_figure(0.5 + 1.9 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(panels, names, strict=False)):
        _slice(axes, measured, name)
        tidy(axes, name.removesuffix("_kind").replace("_", " ") + (", as" if name.endswith("_kind") else ""))
        axes.tick_params(labelleft=k % columns == 0)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    if max(trial["epochs"][-1] for trial in measured) < 1:
        panels[0].set_yscale("log")  # shared by all
        sparse_decades(panels[0].yaxis)
    figure.supylabel("% recognised wrongly", fontsize=8)
    return figure


def _slice(axes: Axes, trials: Sequence[Mapping[str, Any]], name: str) -> None:
    """Draw the trials that have a setting of this name."""
    having = [trial for trial in trials if name in trial["settings"]]
    values = [trial["settings"][name] for trial in having]
    errors = percent_wrong([trial["epochs"][-1] for trial in having])
    ended = np.array([trial["accuracy"] is None for trial in having])
    named = not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if named:
        places = {value: k for k, value in enumerate(dict.fromkeys(map(str, values)))}
        middle = np.array([float(places[str(value)]) for value in values])
        # Side by side, for want of an order among them.
        order = np.array([sum(str(other) == str(value) for other in values[:i]) for i, value in enumerate(values)])
        count = max(np.unique(middle, return_counts=True)[1])
        x = middle + (0.5 * (order - (count - 1) / 2) / max(count, 2))
        axes.set_xticks(list(places.values()), [value.replace("_", "\n") for value in places])
        axes.set_xlim(-0.5, len(places) - 0.5)
    else:
        x = np.array(values, np.float64)
        if x.min() > 0 and x.max() > 4 * x.min() and (x.max() > 20 or x.max() < 1):
            axes.set_xscale("log")
    for open_ones, marker, fill, color in ((True, "v", "none", GREY), (False, "o", "full", BLUE)):
        chosen = ended == open_ones
        axes.plot(x[chosen], errors[chosen], marker, color=color, markersize=3.5, fillstyle=fill)
    if axes.get_xscale() == "log":
        sparse_decades(axes.xaxis)
    elif not named and all(isinstance(value, int) for value in values):
        whole_numbers(axes.xaxis)


def search_curves(trials: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw how the held-out error of every trial fell, epoch by epoch: the best one's in front.

    Parameters
    ----------
    trials
        See `search_history`.

    Raises
    ------
    DataError
        If no trial finished an epoch.
    """
    _require_epochs(trials)
    figure = new_figure(3.2)
    axes = figure.subplots()
    measured = [trial for trial in trials if trial["epochs"]]
    complete = [trial for trial in measured if trial["accuracy"] is not None]
    best = max(complete, key=lambda trial: trial["accuracy"], default=None)
    looks: dict[bool, dict[str, Any]] = {
        True: {"color": BLUE, "linewidth": 0.9, "marker": "o", "markersize": 2.5, "label": "complete"},
        False: {"color": GREY, "linewidth": 0.8, "linestyle": "--", "marker": "v", "markersize": 3},
    }
    looks[False]["label"] = "ended early"
    for trial in measured:
        if trial is not best:
            how = looks[trial["accuracy"] is not None]
            axes.plot(range(1, len(trial["epochs"]) + 1), percent_wrong(trial["epochs"]), alpha=0.7, **how)
            how.pop("label", None)  # said once
    if best is not None:
        axes.plot(range(1, len(best["epochs"]) + 1), percent_wrong(best["epochs"]), "-s", color=VERMILION,
                  linewidth=1.6, markersize=4, label=f"trial {best['number']}, the best")  # fmt: skip
    tidy(axes, "how the trials learned", "epoch", UNDER)
    error_scale(axes)
    whole_numbers(axes.xaxis)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _varies(trials: Sequence[Mapping[str, Any]], name: str) -> bool:
    return len({str(trial["settings"][name]) for trial in trials if name in trial["settings"]}) > 1


def _require_epochs(trials: Sequence[Mapping[str, Any]]) -> None:
    if not any(trial["epochs"] for trial in trials):
        raise DataError("expected a trial that finished an epoch, got none; search on")
