"""Kernels that Python may call: the engine's own are compiled without what that takes."""

from typing import Any

import numba

from fastpc.engine.jit import FAST_MATH


def kernel(function: Any) -> Any:
    """Compile as the engine's ``@kernel`` does, for calls from Python."""
    return numba.njit(nogil=True, fastmath=FAST_MATH, error_model="numpy")(function)


def exact_kernel(function: Any) -> Any:
    """Compile as the engine's ``@exact_kernel`` does, for calls from Python."""
    return numba.njit(nogil=True, fastmath={"contract"}, error_model="numpy")(function)
