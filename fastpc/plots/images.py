"""Rows of pixels, drawn as the images they are: one, or many in a grid."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def is_square(n_pixels: int) -> bool:
    """Return whether so many pixels make a square image, of more than one."""
    return n_pixels > 1 and isqrt(n_pixels) ** 2 == n_pixels


def image_shape(n_pixels: int, shape: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Return (height, width), or (height, width, 3), of images of `n_pixels` numbers: a square, unless told.

    Raises
    ------
    DataError
        If `shape` holds another number of pixels, or there is none and they make no square.
    """
    if shape is None:
        side = isqrt(n_pixels)
        if side * side != n_pixels:
            raise DataError(
                f"expected as many pixels as a square image has, got {n_pixels}; say what shape they have, such as "
                "(32, 24), or for colours (32, 24, 3)"
            )
        return side, side
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)) or np.prod(shape) != n_pixels:
        raise DataError(
            f"expected a shape of two, or of three with 3 colours, for {n_pixels} pixels, got {tuple(shape)}; change it"
        )
    return tuple(shape)


def tiled(images: ArrayLike, columns: int, shape: tuple[int, ...] | None = None, gap: int = 1) -> NDArray[Any]:
    """Return images (N, pixels) side by side in one, NaN between them and where the last row has none."""
    rows = np.asarray(images, np.float64)
    height, width, *colors = image_shape(rows.shape[1], shape)
    n_rows = -(-len(rows) // columns)
    whole = np.full((n_rows * (height + gap) - gap, columns * (width + gap) - gap, *colors), np.nan)
    for k, row in enumerate(rows):
        top, left = (k // columns) * (height + gap), (k % columns) * (width + gap)
        whole[top : top + height, left : left + width] = row.reshape(height, width, *colors)
    return whole


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
        See `image_shape`.
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
