"""Counters that threads share."""

import resource
import sys
import threading

import numpy as np
import pytest

from engine.compiled import kernel
from fastpc.engine import atomic


@kernel
def _count_up(counters, index, times, seen):
    for _ in range(times):
        before = atomic.fetch_add(counters, index, 1)
        seen[before] += 1
        atomic.pause()
    return atomic.load_shared(counters, index)


def test_no_count_is_lost_or_given_twice() -> None:
    counters, times, n_threads = np.zeros(3, np.int64), 20_000, 4
    seen = np.zeros(n_threads * times, np.int64)
    _count_up(counters, 1, 0, seen)  # compiles
    threads = [threading.Thread(target=_count_up, args=(counters, 1, times, seen)) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.tolist() == [0, n_threads * times, 0]
    assert (seen == 1).all()
    assert _count_up(counters, 1, 0, seen) == n_threads * times


@kernel
def _sleep(times):
    for _ in range(times):
        atomic.sleep_briefly()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts for one thread")
def test_who_sleeps_gives_its_core_away() -> None:
    _sleep(0)  # compiles
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    _sleep(20)
    assert resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw >= before + 20
