"""Which number types and memory layouts the engine computes with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.errors import DataError


def engine_dtype(dtype: "np.dtype[Any]", role: str) -> "np.dtype[Any]":
    """Return the dtype in which the engine takes numbers of `dtype`.

    uint8, float32 and float64 stay as they are; whatever float32 holds exactly (bool, small
    integers, float16) becomes float32, the rest float64.

    Raises
    ------
    DataError
        For anything but real numbers: objects, text, dates, complex numbers, structures.
    """
    if dtype.kind not in "buif":
        raise DataError(
            f"expected {role} of a real number type, got dtype {dtype}; convert them to uint8, float32 or float64"
        )
    if dtype == np.uint8:
        return np.dtype(np.uint8)
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def engine_memory(array: NDArray[Any], dtype: "np.dtype[Any] | None" = None) -> NDArray[Any]:
    """Return `array` in memory that compiled code takes, as `dtype` if one is given.

    That is C-contiguous, aligned and writable memory in the machine's byte order. Compiled code
    writes to no data set, but to Numba read-only arrays are a type of their own.
    """
    return np.require(array, dtype, ["C", "A", "W"])
