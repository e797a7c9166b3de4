"""Rows of pixels as the images they are: their shape, and many side by side in one."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.errors import DataError


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
