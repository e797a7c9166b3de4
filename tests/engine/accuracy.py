"""Numbers to feed to compiled functions, and how far results are from what they should be."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def every_exponent(dtype: Any) -> Array:
    """Return numbers of either sign with every exponent, subnormal ones included, and zeros."""
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    mantissas = np.linspace(1, 2, 61, endpoint=False)
    magnitudes = np.ldexp(mantissas[:, None].astype(dtype), exponents).astype(dtype).ravel()
    return np.concatenate([magnitudes, -magnitudes, np.zeros(1, dtype), -np.zeros(1, dtype)])


def dense_grid(dtype: Any, largest: float) -> Array:
    """Return closely spaced numbers from -largest to largest, at no round distance."""
    return np.linspace(-largest, largest, 400_009).astype(dtype)


def ulp_errors(found: Array, exact: Array) -> Array:
    """Return how many units in the last place of `exact` separate each pair, as float64."""
    spacing = np.spacing(np.abs(exact).astype(found.dtype)).astype(exact.dtype)
    return np.asarray(np.abs(found.astype(exact.dtype) - exact) / spacing, np.float64)


def relative_error(found: Array, exact: Array) -> float:
    """Return the largest difference, in units of the largest magnitude of `exact`."""
    assert found.shape == exact.shape
    if exact.size == 0:
        return 0.0
    scale = np.abs(exact).max()
    difference = np.abs(np.asarray(found, exact.dtype) - exact).max()
    return float(difference / scale) if scale > 0 else float(difference)
