"""Threads that find another one on their core."""

import os

import numba
import numpy as np
import pytest

from fastpc.engine.cores import KNOWN, free_cores, take_core

pytestmark = pytest.mark.skipif(not KNOWN, reason="the system does not say on which core a thread is")


@numba.njit
def _take(threads_on):
    take_core(threads_on)


def _taken_when(busy):
    """Return the cores that are counted once this thread has taken one, those `busy` having a thread already."""
    threads_on = free_cores()
    threads_on[list(busy)] = 1
    _take(threads_on)
    return threads_on


def test_a_thread_counts_itself_where_it_is():
    found = _taken_when(())
    assert found.sum() == 1
    assert set(np.flatnonzero(found)) <= os.sched_getaffinity(0)


@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: [0])(0)) < 2, reason="needs two cores")
def test_a_thread_moves_to_the_core_that_is_free_and_may_still_run_anywhere():
    allowed = os.sched_getaffinity(0)
    for free in sorted(allowed)[:2]:
        found = _taken_when(allowed - {free})
        assert found[free] == 1
        assert os.sched_getaffinity(0) == allowed


def test_a_thread_stays_where_no_core_is_free():
    allowed = os.sched_getaffinity(0)
    found = _taken_when(allowed)
    assert found.sum() == len(allowed) + 1
    assert os.sched_getaffinity(0) == allowed


def test_a_thread_does_not_leave_the_cores_it_is_bound_to():
    allowed = os.sched_getaffinity(0)
    own = {min(allowed)}
    os.sched_setaffinity(0, own)
    try:
        assert _taken_when(own)[min(allowed)] == 2
        assert os.sched_getaffinity(0) == own
    finally:
        os.sched_setaffinity(0, allowed)
