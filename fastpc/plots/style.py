"""How every picture looks, and the one place that asks for matplotlib.

Colours are Okabe and Ito's, which the colour-blind tell apart; line styles and markers say the same again, for print.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from fastpc.errors import ConfigurationError, DependencyError
from fastpc.extras import load

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
GREY = "#777777"
COLORS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, "#000000")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 8.4
DPI = 160


def available() -> bool:
    """Return whether matplotlib is installed."""
    try:
        load("matplotlib.figure", "pictures", "plots")
    except DependencyError:
        return False
    return True


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure of a size in inches, which no window shows by itself.

    Raises
    ------
    DependencyError
        If matplotlib is missing.
    """
    made: Figure = load("matplotlib.figure", "pictures", "plots").Figure(
        figsize=(width, height), dpi=DPI, layout="constrained"
    )
    return made


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure in the format of the name's ending; the same figures give the same PNG.

    Raises
    ------
    ConfigurationError
        If the format is unknown or the file cannot be written.
    """
    try:
        # No date and no version inside.
        metadata: Any = {"Software": None} if str(path).endswith(".png") else None
        figure.savefig(path, dpi=DPI, metadata=metadata)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"expected a place and a format to write a picture in, got {str(path)!r} ({error}); try a name such as "
            "figure.png"
        ) from error


def look(k: int) -> dict[str, Any]:
    """Return colour, line style and marker of the k-th line: no two among the first 35 have all alike."""
    return {"color": COLORS[k % len(COLORS)], "linestyle": LINES[k % len(LINES)], "marker": MARKERS[k % len(MARKERS)]}


def tidy(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Give axes their title and labels, a light grid, and no frame where there is no scale."""
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def sparse_decades(axis: Any) -> None:
    """Label a logarithmic axis, once all is drawn: few labels over many decades, and some within a single one."""
    from matplotlib.ticker import FuncFormatter, LogFormatterMathtext, LogLocator, NullFormatter

    least, most = sorted(axis.get_view_interval())
    if most > 2000 * least:
        axis.set_major_locator(LogLocator(numticks=7))
        axis.set_major_formatter(LogFormatterMathtext())
    else:
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if most > 10 * least else (1.0, 2.0, 3.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def whole_numbers(axis: Any) -> None:
    """Put ticks at whole numbers alone, as of epochs and steps."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))
