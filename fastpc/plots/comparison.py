"""Several runs in one picture: error by epoch, and by seconds of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc.errors import DataError
from fastpc.history import History
from fastpc.plots.learning import epochs_of, error_scale, percent_wrong
from fastpc.plots.style import look, new_figure, sparse_decades, tidy, whole_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison(
    runs: Mapping[str, History | Sequence[Mapping[str, Any]]],
    test_accuracies: Mapping[str, float | None] | None = None,
) -> Figure:
    """Draw the training error of several runs over the epochs, and over the seconds of training.

    Where a run recognises nothing as it learns, the energies of all runs are drawn instead.

    Parameters
    ----------
    runs : mapping of History, or of sequence of mapping
        By name; see `learning_curves`.
    test_accuracies : mapping of float, optional
        By name, measured after the last epoch: a larger, open marker at the end of the line.

    Raises
    ------
    DataError
        If there is no run, or one without an epoch.
    """
    if not runs:
        raise DataError("expected at least one run to compare, got none; name some")
    found = {name: epochs_of(history) for name, history in runs.items()}
    by_energy = any(epoch["accuracy"] is None for epochs in found.values() for epoch in epochs)
    tests = {} if by_energy or test_accuracies is None else test_accuracies
    figure = new_figure(3.4 + 0.18 * -(-len(runs) // 3))
    panels = figure.subplots(1, 2, sharey=True)
    for k, (name, epochs) in enumerate(found.items()):
        values = (
            np.array([float(sum(epoch["energy"])) for epoch in epochs])
            if by_energy
            else percent_wrong([epoch["accuracy"] for epoch in epochs])
        )
        test = tests.get(name)
        label = name if test is None else f"{name}: test {test:.2%}"
        seconds = np.cumsum([epoch["train_seconds"] for epoch in epochs])
        for axes, x in zip(panels, (np.arange(1, len(epochs) + 1), seconds), strict=True):
            every = max(1, len(epochs) // 8)
            axes.plot(x, values, label=label, linewidth=1.3, markersize=3.5, markevery=every, **look(k))
            if test is not None:
                color, marker = look(k)["color"], look(k)["marker"]
                axes.plot(x[-1], *percent_wrong([test]), marker=marker, markersize=8, color=color, fillstyle="none")
    measure = "energy per sample" if by_energy else "% recognised wrongly"
    for axes, under in zip(panels, ("epoch", "seconds of training"), strict=True):
        tidy(axes, "", under, measure if axes is panels[0] else "")
        if by_energy:
            axes.set_yscale("log")
            sparse_decades(axes.yaxis)
        else:
            error_scale(axes)
    whole_numbers(panels[0].xaxis)
    title = "training energy" if by_energy else "training error"
    if tests:
        title += ", and test error after the last epoch"
    panels[0].set_title(title, loc="left", fontsize=9, fontweight="bold")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure
