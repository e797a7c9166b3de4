"""Rows of pixels, drawn as the images they are: one, or many in a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastpc.images import tiled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_images(
    axes: Axes,
    images: ArrayLike,
    columns: int,
    shape: tuple[int, ...] | None = None,
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    colors: str = "gray_r",
) -> Any:
    """Draw images (N, pixels) in a grid, and return what a colour bar can be made of.

    Parameters
    ----------
    axes : matplotlib Axes
    images : array-like (N, pixels)
    columns : int
    shape : tuple of int, optional
        See `fastpc.images.image_shape`.
    limits : tuple of float
        The values of the lightest and the darkest shade; beyond them nothing is told apart.
    colors : str
        matplotlib's name for the shades: dark ink on white paper by default.
    """
    whole = tiled(images, columns, shape)
    axes.set_axis_off()
    if whole.ndim == 3:
        return axes.imshow(np.clip(np.nan_to_num(whole, nan=1.0), 0, 1), interpolation="nearest")
    return axes.imshow(whole, cmap=colors, vmin=limits[0], vmax=limits[1], interpolation="nearest")
