"""Kernels are compiled with their callers alone, and behave as any compiled function does."""

from typing import Any

import numba
import numpy as np
import pytest

from fastpc.engine.jit import kernel
from fastpc.engine.linking import LinkedLibrary
from fastpc.engine.llvm import VECTOR_BYTES


@kernel
def innermost(x: Any) -> Any:
    if x < 0:
        raise ValueError("expected no negative number")
    return np.sqrt(x)


@kernel
def inner(x: Any) -> Any:
    return innermost(x) + innermost(4 * x)


@numba.njit
def outer(x: Any) -> Any:
    return inner(x)


def library(function: Any, kind: Any) -> Any:
    return function.overloads[(kind,)].library


def test_callers_get_what_kernels_return() -> None:
    assert outer(9.0) == 9.0
    assert outer(np.float32(9.0)) == 9.0


def test_callers_get_what_kernels_raise() -> None:
    with pytest.raises(ValueError, match="expected no negative number"):
        outer(-1.0)


def test_only_the_caller_is_machine_code() -> None:
    outer(1.0)
    for function in (innermost, inner):
        made = library(function, numba.float64)
        assert isinstance(made, LinkedLibrary)
        with pytest.raises(RuntimeError, match="no compiled object"):
            made._get_compiled_object()
    assert library(outer, numba.float64)._get_compiled_object()


def test_loops_are_as_wide_as_the_registers() -> None:
    """Some processors are said to prefer half, whose cores are no slower with the whole."""
    outer(9.0)
    text = str(library(inner, numba.float64)._final_module)
    assert f'"prefer-vector-width"="{8 * VECTOR_BYTES}"' in text
