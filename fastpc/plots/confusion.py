"""What a network takes for what, and the mistakes it was surest of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.errors import DataError
from fastpc.plots.images import draw_images
from fastpc.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS, ROWS = 6, 4
# Beyond these many classes numbers do not fit into the squares.
MOST_NUMBERS = 15


def confusion_matrix(
    outputs: ArrayLike, labels: ArrayLike, images: ArrayLike | None = None, *, shape: tuple[int, ...] | None = None
) -> Figure:
    """Draw how often each class was taken for each other, and the images of the worst mistakes.

    Parameters
    ----------
    outputs : array-like (N, classes)
        What the network says of each class; the largest is its answer.
    labels : array-like (N,)
        The right answers.
    images : array-like (N, pixels), optional
        0 white and 1 black; without them the matrix stands alone.
    shape : tuple of int, optional
        (height, width) of the images; a square by default.

    Raises
    ------
    DataError
        If they are not as many, or a label is no class.

    Notes
    -----
    The worst mistakes are those where the output of the wrong class exceeds that of the right one by most.
    """
    said, right = np.asarray(outputs, np.float64), np.asarray(labels, np.int64)
    if said.ndim != 2 or right.shape != (len(said),) or right.min() < 0 or right.max() >= said.shape[1]:
        raise DataError(
            f"expected outputs (N, classes) and N labels among the classes, got {said.shape} and {right.shape}; "
            "pass what the network says of every class"
        )
    answers = said.argmax(axis=1)
    n = said.shape[1]
    counts = np.bincount(right * n + answers, minlength=n * n).reshape(n, n)
    wrong = np.flatnonzero(answers != right)
    figure = new_figure(4.2, 4.4 if images is None else 8.4)
    left, *others = figure.subplot_mosaic([["matrix"]] if images is None else [["matrix", "worst"]]).values()
    _matrix(left, counts, f"{len(wrong):,} of {len(said):,} wrong ({len(wrong) / len(said):.2%})")
    if others:
        others[0].set_axis_off()
        margin = said[wrong, answers[wrong]] - said[wrong, right[wrong]]
        worst = wrong[np.argsort(-margin, kind="stable")][: COLUMNS * ROWS]
        others[0].set_title("the surest mistakes: label → answer", loc="left", fontsize=9, fontweight="bold")
        _worst(others[0], np.asarray(images)[worst], right[worst], answers[worst], shape)
    return figure


def _matrix(axes: Axes, counts: NDArray[np.int64], title: str) -> None:
    n = len(counts)
    mistakes = counts.astype(np.float64)
    np.fill_diagonal(mistakes, 0)
    # What is right would outshine every mistake.
    axes.imshow(mistakes, cmap="Blues", vmin=0, vmax=max(1, mistakes.max()))
    if n <= MOST_NUMBERS:
        for row in range(n):
            for column in range(n):
                if counts[row, column]:
                    bright = mistakes[row, column] > 0.6 * mistakes.max() > 0
                    color = "white" if bright else "#888888" if row == column else "black"
                    text = str(counts[row, column])
                    axes.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
        axes.set_xticks(range(n))
        axes.set_yticks(range(n))
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("answer", fontsize=8)
    axes.set_ylabel("label", fontsize=8)
    axes.tick_params(labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_color("#bbbbbb")


def _worst(axes: Axes, images: NDArray[Any], labels: Any, answers: Any, shape: tuple[int, ...] | None) -> None:
    width, height = 1 / COLUMNS, 1 / ROWS
    for k, (image, label, answer) in enumerate(zip(images, labels, answers, strict=True)):
        corner = ((k % COLUMNS) * width + 0.005, 1 - (k // COLUMNS + 1) * height)
        inside = axes.inset_axes((*corner, width - 0.01, height - 0.07))
        draw_images(inside, image[None], 1, shape)
        inside.set_title(f"{label} → {answer}", fontsize=8, pad=2)
