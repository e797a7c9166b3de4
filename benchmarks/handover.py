"""How long one core takes to see what another has written: what a matrix product's rate does not show.

Two cores of a virtual machine may share a cache one minute and sit on two dies the next: the same handover was
measured between 41 and 400 nanoseconds, beside products whose rate did not move by a twentieth. A product hands over
a few times a second; a batch of 70 microseconds, many times.
"""

from threading import Barrier, Thread
from time import perf_counter
from typing import Any

import numba
import numpy as np

from fastpc.engine.atomic import fetch_add, load_shared, pause, sleep_briefly

TURNS, ATTEMPTS = 2_000, 9
LONGEST = 0.2
"""Seconds after which no other attempt begins: on a loaded machine one can take as long."""
SPINS_BEFORE_SLEEPING = 10_000
"""Where both threads were started on one core, the one that waits must let the other go on."""


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _take_turns(own: int, turns: int, counter: Any) -> None:
    """Raise the counter whenever it stands at 2k + own."""
    for k in range(turns):
        spins = 0
        while load_shared(counter, 0) != 2 * k + own:
            if spins < SPINS_BEFORE_SLEEPING:
                pause()
            else:
                sleep_briefly()
            spins += 1
        fetch_add(counter, 0, 1)


def handover_ns() -> float:
    """Return the nanoseconds of one handover between two threads: the least of a few attempts."""
    _take_turns(0, 0, np.zeros(1, np.int64))  # compiles it
    end = perf_counter() + LONGEST
    found = [_attempt()]
    while len(found) < ATTEMPTS and perf_counter() < end:
        found.append(_attempt())
    return min(found)


def _attempt() -> float:
    counter, ready, seconds = np.zeros(1, np.int64), Barrier(2), [0.0, 0.0]

    def share(own: int) -> None:
        ready.wait()
        begin = perf_counter()
        _take_turns(own, TURNS, counter)
        seconds[own] = perf_counter() - begin

    both = [Thread(target=share, args=(own,)) for own in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    # Whoever began later was waited for.
    return min(seconds) / (2 * TURNS) * 1e9
