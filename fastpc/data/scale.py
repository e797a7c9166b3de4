"""What multiplies numbers on their way into a network, where nobody says."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.errors import DataWarning

# Narrower rows are tables more often than images.
_PIXELS = 64


def default_scale(numbers: Any, stacklevel: int = 3) -> float:
    """Return 1/255 for uint8, and 1 for all others: a warning says so of those that look like unscaled pixels.

    Warns
    -----
    DataWarning
        For an array of other numbers from 0 to between 128 and 255, at least 64 a sample.
    """
    if numbers.dtype == np.uint8:
        return 1 / 255
    if isinstance(numbers, np.ndarray) and _looks_like_pixels(numbers):
        warnings.warn(
            DataWarning(
                f"expected pixels as uint8, or from 0 to 1, got {numbers.dtype} from 0 to {numbers.max():g}, which are "
                "used as they are; pass scale=1/255 to scale them, or scale=1 if they are right"
            ),
            stacklevel=stacklevel,
        )
    return 1.0


def _looks_like_pixels(numbers: NDArray[Any]) -> bool:
    wide = numbers.ndim > 1 and numbers.size >= _PIXELS * len(numbers) > 0
    return bool(wide and numbers.dtype.kind in "iuf" and numbers.min() == 0 and 128 <= numbers.max() <= 255)
