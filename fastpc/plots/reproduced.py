"""What `fastpc reproduce` draws: learning curves of every preset, and digits sampled from the prior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastpc.plots.images import draw_images
from fastpc.plots.style import BLUE, VERMILION, new_figure, sparse_decades, tidy, whole_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

COLUMNS = 3
LEAST = 1e-5
SHOWN = 64


def preset_curves(curves: Mapping[str, Any]) -> Figure:
    """Draw each preset's training error over the epochs, its test error after the last, and its bar.

    Parameters
    ----------
    curves : mapping
        What ``fastpc.cli.curves.curves_of`` returns.
    """
    rows = -(-len(curves) // COLUMNS)
    figure = new_figure(0.8 + 1.6 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for k, (axes, (name, curve)) in enumerate(zip(panels, curves.items(), strict=False)):
        _draw(axes, name, curve)
        if k + COLUMNS >= len(curves):
            axes.set_xlabel("epoch", fontsize=8)
        if k % COLUMNS == 0:
            axes.set_ylabel("error, or energy", fontsize=8)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw(axes: Any, name: str, curve: Mapping[str, Any]) -> None:
    texts = ("training, as the epoch goes by", "test, after the final one")
    for k, (errors, error) in enumerate(zip(curve["training"], curve["test"], strict=True)):
        over, after = texts if k == 0 else (None, None)
        # A logarithm has no place for none wrong.
        shown = [max(wrong, LEAST) for wrong in errors]
        axes.plot(range(1, len(errors) + 1), shown, color=BLUE, linewidth=1, label=over)
        axes.plot(len(errors), max(error, LEAST), "D", color=VERMILION, markersize=4, label=after)
    axes.axhline(curve["bar"], color="black", linewidth=0.9, linestyle="--", label="bar: to end below")
    axes.set_yscale("log")
    tidy(axes, name)
    sparse_decades(axes.yaxis)
    whole_numbers(axes.xaxis)


def sampled_digits(images: Mapping[str, ArrayLike], recognised: Mapping[str, float], confident: float) -> Figure:
    """Draw images of several origins beside each other, and what part of each a classifier is confident of.

    Parameters
    ----------
    images : mapping of array-like (N, pixels)
        By origin; the first ``SHOWN`` of each are drawn.
    recognised : mapping of float
        By origin, the part that is recognised.
    confident : float
        The least probability that counts.
    """
    figure = new_figure(2.65)
    panels = figure.subplots(1, len(images), squeeze=False).ravel()
    for axes, (origin, rows) in zip(panels, images.items(), strict=True):
        draw_images(axes, list(rows)[:SHOWN], 8)  # type: ignore[arg-type]
        axes.set_title(origin, loc="left", fontsize=9, fontweight="bold")
        text = f"{recognised[origin]:.1%} recognised with p > {confident:g}"
        axes.text(0, -0.03, text, transform=axes.transAxes, fontsize=8, va="top")
    return figure
