"""Threads that share work: every unit is done once, and no phase begins before the last one's end."""

import threading
import time

import numpy as np
import pytest

from fastpc.engine.atomic import fetch_add
from fastpc.engine.jit import kernel
from fastpc.engine.sharing import finish_unit, make_sharing, take_unit, wait_for_phase

N_PHASES, N_UNITS = 300, 17


@kernel
def _work(sharing, n_phases, n_units, done, early, effort):
    """Do all phases' units; ``early[0]`` counts units begun before all of the phase before were done."""
    taken = 0
    for phase in range(n_phases):
        while True:
            unit = take_unit(sharing, phase)
            if unit >= n_units:
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
            taken += 1
            finish_unit(sharing, phase)
        wait_for_phase(sharing, phase, n_units)
    return taken


def run(delays: list[float], effort: int = 50) -> tuple[np.ndarray, int, list[int]]:
    """Work on as many threads as there are delays, each beginning so late; return what was done."""
    sharing = make_sharing(N_PHASES)
    done, early = np.zeros((N_PHASES, N_UNITS), np.int64), np.zeros(1, np.int64)
    taken = [-1] * len(delays)
    _work(sharing, 0, N_UNITS, done, early, effort)  # compiles

    def work(k: int) -> None:
        time.sleep(delays[k])
        taken[k] = _work(sharing, N_PHASES, N_UNITS, done, early, effort)

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


def test_counters_stand_a_cache_line_apart() -> None:
    sharing = make_sharing(5)
    _work(sharing, 5, 3, np.zeros((5, 3), np.int64), np.zeros(1, np.int64), 1)
    for counters, count in ((sharing.taken, 4), (sharing.done, 3)):
        assert counters.nbytes == 5 * 64
        assert counters.reshape(5, 8).sum(axis=1).tolist() == [count] * 5
        assert counters.reshape(5, 8)[:, 0].tolist() == [count] * 5
