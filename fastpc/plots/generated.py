"""Images that networks make: reconstructions beside their originals, and digits of every class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastpc.errors import DataError
from fastpc.plots.images import draw_images
from fastpc.plots.style import WIDTH, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 16


def reconstructions(
    images: ArrayLike, again: ArrayLike, n: int = 32, *, shape: tuple[int, ...] | None = None
) -> Figure:
    """Draw images and below each what a network made of it, and say how far they are apart.

    Parameters
    ----------
    images, again : array-like (N, pixels)
        In one scale, 0 white and 1 black.
    n : int
        How many of the first to draw.
    shape : tuple of int, optional
        (height, width) of the images; a square by default.

    Raises
    ------
    DataError
        If they are not as many.
    """
    before, after = np.asarray(images, np.float64), np.asarray(again, np.float64)
    if before.shape != after.shape:
        raise DataError(f"expected as many reconstructions as images, got {after.shape} for {before.shape}")
    columns = min(COLUMNS, n, len(before))
    pairs = []
    for first in range(0, min(n, len(before)), columns):
        last = min(first + columns, n, len(before))
        for rows in (before[first:last], after[first:last]):
            blank = np.full((columns - len(rows), before.shape[1]), np.nan)
            pairs.append(np.vstack([rows, blank]))
    figure = new_figure(0.5 + WIDTH / columns * len(pairs))
    axes = figure.subplots()
    draw_images(axes, np.vstack(pairs), columns, shape)
    error = 0.5 * np.mean(np.sum((before - after) ** 2, axis=1))
    text = f"images, and their reconstructions below them: half the squared difference {error:.2f}, of {len(before):,}"
    axes.set_title(text, loc="left", fontsize=9, fontweight="bold")
    return figure


def generated_images(
    images: ArrayLike,
    labels: Sequence[int] | None = None,
    *,
    columns: int = 10,
    shape: tuple[int, ...] | None = None,
    title: str = "",
) -> Figure:
    """Draw generated images in a grid, each with the class it was made of where there are `labels`.

    Parameters
    ----------
    images : array-like (N, pixels)
        0 white and 1 black.
    labels : sequence of int, optional
    columns : int
    shape : tuple of int, optional
        (height, width) of the images; a square by default.
    title : str
    """
    rows = np.asarray(images, np.float64)
    columns = min(columns, len(rows))
    n_rows = -(-len(rows) // columns)
    width = min(WIDTH, max(3.0, 0.75 * columns))
    each = width / columns
    figure = new_figure(0.4 + n_rows * (each + (0.18 if labels is not None else 0)), width)
    if labels is None:
        axes = figure.subplots()
        draw_images(axes, rows, columns, shape)
        axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
        return figure
    panels = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, row, label in zip(panels, rows, labels, strict=False):
        draw_images(axes, row[None], 1, shape)
        axes.set_title(str(label), fontsize=8, pad=2)
    if title:
        figure.suptitle(title, fontsize=9, fontweight="bold", x=0.01, ha="left")
    return figure
