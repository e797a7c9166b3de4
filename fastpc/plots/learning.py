"""Learning curves: how error and energy fall over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc.errors import DataError
from fastpc.history import History
from fastpc.plots.style import BLUE, VERMILION, look, new_figure, sparse_decades, tidy, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES = ("accuracy", "validation_accuracy", "energy", "train_seconds")


def epochs_of(history: History | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what each epoch measured, of a `History` or of the lines of a run's ``metrics.jsonl``.

    Raises
    ------
    DataError
        If there is no epoch, or one lacks a measure.
    """
    records = history.epochs if isinstance(history, History) else history
    try:
        epochs = [
            {name: record[name] if isinstance(record, Mapping) else getattr(record, name) for name in MEASURES}
            for record in records
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"expected epochs with {', '.join(MEASURES)}, got others ({error}); pass what Trainer.fit returned"
        ) from error
    if not epochs:
        raise DataError("expected at least one epoch to draw, got none; train first")
    return epochs


def learning_curves(
    history: History | Sequence[Mapping[str, Any]],
    *,
    test_accuracy: float | None = None,
    bidirectional: bool = False,
) -> Figure:
    """Draw a run: the part that is recognised wrongly, and the energy of each layer, epoch by epoch.

    Parameters
    ----------
    history : History, or sequence of mapping
        What `Trainer.fit` returns, or the lines of a run's ``metrics.jsonl``.
    test_accuracy : float, optional
        Measured after the last epoch; a point of its own.
    bidirectional : bool
        Whether the layers' energies are those of both directions, the bottom-up ones first.

    Raises
    ------
    DataError
        If there is no epoch.
    """
    epochs = epochs_of(history)
    recognised = any(epoch[name] is not None for epoch in epochs for name in MEASURES[:2])
    figure = new_figure(3.2)
    panels = figure.subplots(1, 2 if recognised else 1, squeeze=False)[0]
    if recognised:
        _errors(panels[0], epochs, test_accuracy)
    _energies(panels[-1], epochs, bidirectional)
    if not recognised and test_accuracy is not None:
        panels[0].set_title(f"test accuracy after the last {test_accuracy:.2%}", loc="right", fontsize=9)
    return figure


def _errors(axes: Axes, epochs: list[dict[str, Any]], test_accuracy: float | None) -> None:
    looks: dict[str, dict[str, Any]] = {
        "accuracy": {"label": "training, as the epoch goes by", "color": BLUE, "marker": "o"},
        "validation_accuracy": {"label": "held out", "color": VERMILION, "marker": "s", "linestyle": "--"},
    }
    for name, how in looks.items():
        values = percent_wrong([epoch[name] for epoch in epochs])
        if np.isfinite(values).any():
            axes.plot(range(1, len(epochs) + 1), values, markersize=3.5, linewidth=1.3, **how)
    if test_accuracy is not None:
        axes.plot(len(epochs), *percent_wrong([test_accuracy]), "D", color="black", label="test, after the last")
    tidy(axes, "error", "epoch", "% recognised wrongly")
    error_scale(axes)
    whole_numbers(axes.xaxis)
    axes.legend(frameon=False, fontsize=8)


def percent_wrong(accuracies: Sequence[float | None]) -> np.ndarray[Any, Any]:
    """Return 100 (1 − accuracy), NaN where there is none."""
    return np.array([np.nan if accuracy is None else 100 * (1 - accuracy) for accuracy in accuracies])


def error_scale(axes: Axes) -> None:
    """Make an axis of errors logarithmic where none of them is zero, so that the late epochs are seen too."""
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.get_lines()])
    if np.nanmin(values) > 0:
        axes.set_yscale("log")
        sparse_decades(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _energies(axes: Axes, epochs: list[dict[str, Any]], bidirectional: bool) -> None:
    layers = np.array([epoch["energy"] for epoch in epochs])
    n = layers.shape[1]
    names = [f"layer {l}" for l in range(1, n + 1)]
    if bidirectional:
        names = [f"{way} {l}" for way in ("bottom-up", "top-down") for l in range(1, n // 2 + 1)]
    draw_layers(axes, np.arange(1, len(epochs) + 1), layers, names)
    tidy(axes, "energy after relaxation, per sample", "epoch")
    whole_numbers(axes.xaxis)


def draw_layers(axes: Axes, x: np.ndarray[Any, Any], energies: np.ndarray[Any, Any], names: Sequence[str]) -> None:
    """Draw the energy (len(x), L) of each layer on a logarithmic axis; of many layers the first, the last and some."""
    n = energies.shape[1]
    shown = range(n) if n <= 7 else sorted({*np.linspace(0, n - 1, 7).round().astype(int).tolist()})
    for k, l in enumerate(shown):
        # A logarithm has no place for what has not moved yet.
        values = np.where(energies[:, l] > 0, energies[:, l], np.nan)
        if np.isfinite(values).any():
            every = max(1, len(x) // 12)
            axes.plot(x, values, label=names[l], linewidth=1.3, markersize=3.5, markevery=every, **look(k))
    axes.set_yscale("log")
    sparse_decades(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
