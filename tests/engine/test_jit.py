"""How kernels are compiled: floating-point flags, and drivers that run every thread's share."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from engine.compiled import exact_kernel, kernel
from fastpc.engine import cache
from fastpc.engine.jit import FAST_MATH, driver


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of kernels for this test."""
    monkeypatch.setattr(cache, "_folder_known", True)
    monkeypatch.setattr(cache, "_folder", tmp_path)
    return tmp_path


def test_nan_and_infinity_are_never_assumed_away() -> None:
    assert not {"nnan", "ninf", "fast"} & FAST_MATH


def test_compiled_code_sees_nan_and_divides_as_numpy_does() -> None:
    @kernel
    def sees_nan(x):
        return x != x

    @exact_kernel
    def ratio(a, b):
        return a / b

    assert sees_nan(float("nan"))
    assert not sees_nan(1.0)
    assert ratio(1.0, 0.0) == float("inf")


def test_exact_kernels_keep_the_order_of_sums() -> None:
    @exact_kernel
    def total(a, b, c):
        return (a + b) + c

    assert total(1e300, -1e300, 1.0) == 1.0
    assert total(1.0, 1e300, -1e300) == 0.0


@pytest.mark.usefixtures("folder")
def test_a_driver_runs_every_thread_s_share_and_keeps_its_name() -> None:
    @driver
    def mark(thread, seen):
        """Mark a thread's own place."""
        seen[thread] += 1

    for n_threads in (1, 2, 5):
        seen = np.zeros(7, np.int64)
        mark(n_threads, seen)
        assert seen.tolist() == [1] * n_threads + [0] * (7 - n_threads)
    assert mark.__name__ == "mark"
    assert mark.__doc__ == "Mark a thread's own place."
    assert len(mark.signatures) == 1


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_error_inside_is_an_error_outside(n_threads: int) -> None:
    @driver
    def fail(thread, seen, failing):
        seen[thread] += 1
        if thread == failing:
            raise ValueError

    seen = np.zeros(2, np.int64)
    with pytest.raises(RuntimeError, match="expected fail to come to its end, got an error inside"):
        fail(n_threads, seen, n_threads - 1)
    assert seen[:n_threads].tolist() == [1] * n_threads
    fail(n_threads, seen, 5)


class Nested(NamedTuple):
    """Arrays as kernels get them."""

    one: Any
    pair: Any


@intrinsic
def has_owner(typing_context, array):
    def generate(context, builder, signature, arguments):
        owner = context.make_array(signature.args[0])(context, builder, arguments[0]).meminfo
        return builder.icmp_unsigned("!=", owner, owner.type(None))

    return types.boolean(array), generate


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_arrays_come_without_owners_however_deep(n_threads: int) -> None:
    @driver
    def look(thread, numbers, nested, seen):
        made = np.zeros(1)
        seen[thread, 0] = has_owner(numbers)
        seen[thread, 1] = has_owner(nested.one) or has_owner(nested.pair[0]) or has_owner(nested.pair[1])
        seen[thread, 2] = has_owner(made)
        seen[thread, 3] = numbers[0] + nested.one[0] + nested.pair[0][0] + nested.pair[1][0, 0] + nested.pair[2]

    seen = np.full((n_threads, 4), -1.0)
    look(n_threads, np.ones(2), Nested(np.full(1, 2.0), (np.full(1, 4), np.full((1, 1), 8.0), 16.0)), seen)
    assert seen.tolist() == [[0, 0, 1, 31]] * n_threads
