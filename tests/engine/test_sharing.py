"""Threads that share work: every unit is done once, and no phase begins before the last one's end."""

import threading
import time

import numpy as np
import pytest

from engine.compiled import kernel
from fastpc.engine.atomic import fetch_add
from fastpc.engine.sharing import finish_units, make_sharing, take_unit, wait_for_phase

N_PHASES, N_UNITS = 300, 17


@kernel
def _work(thread, sharing, n_phases, n_units, done, early, effort):
    """Do all phases' units; ``early[0]`` counts units begun before all of the phase before were done."""
    taken = 0
    for phase in range(n_phases):
        n_done = 0
        while True:
            unit = take_unit(sharing, phase, thread, n_units)
            if unit < 0:
                break
            if phase > 0:
                for other in range(n_units):
                    # Read as plain memory: finishing and waiting are to make it visible.
                    if done[phase - 1, other] == 0:
                        fetch_add(early, 0, 1)
            total = 0
            for i in range(effort):
                total += i ^ unit
            done[phase, unit] += 1 if total >= 0 else 2
            n_done += 1
        taken += n_done
        finish_units(sharing, phase, n_done)
        wait_for_phase(sharing, phase, n_units)
    return taken


@kernel
def _take(sharing, thread, n_units):
    return take_unit(sharing, 0, thread, n_units)


def run(delays: list[float], effort: int = 50) -> tuple[np.ndarray, int, list[int]]:
    """Work on as many threads as there are delays, each beginning so late; return what was done."""
    sharing = make_sharing(N_PHASES, len(delays))
    done, early = np.zeros((N_PHASES, N_UNITS), np.int64), np.zeros(1, np.int64)
    taken = [-1] * len(delays)
    _work(0, sharing, 0, N_UNITS, done, early, effort)  # compiles

    def work(k: int) -> None:
        time.sleep(delays[k])
        taken[k] = _work(k, sharing, N_PHASES, N_UNITS, done, early, effort)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(delays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, int(early[0]), taken


@pytest.mark.parametrize("n_threads", [1, 2, 4, 7])
def test_every_unit_is_done_exactly_once_and_in_its_phase(n_threads: int) -> None:
    done, early, taken = run([0.0] * n_threads)
    assert (done == 1).all()
    assert early == 0
    assert sum(taken) == N_PHASES * N_UNITS


def test_a_thread_that_comes_after_the_end_runs_through() -> None:
    done, early, taken = run([0.0, 0.3])
    assert (done == 1).all()
    assert early == 0
    assert taken == [N_PHASES * N_UNITS, 0]


def test_a_thread_that_comes_late_joins_in() -> None:
    done, early, taken = run([0.0, 0.02], effort=200_000)
    assert (done == 1).all()
    assert early == 0
    assert sum(taken) == N_PHASES * N_UNITS
    assert min(taken) > 0


def test_a_thread_takes_its_own_stretch_first_and_then_helps_from_the_end_of_others() -> None:
    sharing = make_sharing(1, 2)
    assert [_take(sharing, 1, 5) for _ in range(6)] == [2, 3, 4, 1, 0, -1]
    assert _take(sharing, 0, 5) == -1
    sharing = make_sharing(1, 2)
    assert [_take(sharing, thread, 5) for thread in (0, 1, 1, 0, 0, 1, 0)] == [0, 2, 3, 1, 4, -1, -1]


def test_counters_stand_a_cache_line_apart() -> None:
    sharing = make_sharing(5, 2)
    _work(1, sharing, 5, 3, np.zeros((5, 3), np.int64), np.zeros(1, np.int64), 1)
    assert sharing.taken.nbytes == 5 * 2 * 64
    assert sharing.done.nbytes == 5 * 64
    for counters in (sharing.taken, sharing.done):
        assert np.count_nonzero(counters.reshape(-1, 8)[:, 1:]) == 0
    assert sharing.done.reshape(5, 8)[:, 0].tolist() == [3] * 5
