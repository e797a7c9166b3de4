"""Children of every kind: forked before and after kernels ran, spawned, served, joblib's; the same bits in all."""

import pytest

from test_determinism import assert_well, run_script

FORKED_BEFORE = """
import os
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
read, write = os.pipe()
child = os.fork()
if child == 0:
    with os.fdopen(write, "wb") as pipe:
        pipe.write(trained_bytes(name, 2))
    os._exit(0)
os.close(write)
here = trained_bytes(name, 2)
with os.fdopen(read, "rb") as pipe:
    assert pipe.read() == here
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""

GRANDCHILD = """
import os
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
here = trained_bytes(name, 2)
def descend(generations):
    child = os.fork()
    if child == 0:
        well = trained_bytes(name, 2) == here
        os._exit(0 if well and (generations == 1 or descend(generations - 1)) else 3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert descend(2)
"""

FORKED_FROM_A_THREAD = """
import os, threading
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
here = trained_bytes(name, 2)
stop, found = threading.Event(), []
def busy():
    while not stop.is_set():
        trained_bytes(name, 2)
def fork():
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if trained_bytes(name, 2) == here else 3)
        found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
worker, forker = threading.Thread(target=busy), threading.Thread(target=fork)
worker.start(); forker.start(); forker.join(); stop.set(); worker.join()
assert found == [0, 0, 0], found
"""

POOL = """
import multiprocessing
from test_determinism import RUNS, trained_bytes
if __name__ == "__main__":
    name = next(iter(RUNS))
    before = {before}
    here = trained_bytes(name, 2) if before else None
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        found = pool.starmap(trained_bytes, [(name, 2)] * 3)
    assert found == [here or trained_bytes(name, 2)] * 3
"""

JOBLIB = """
from joblib import Parallel, delayed
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
here = trained_bytes(name, 2)
for backend in ("loky", "threading", "multiprocessing"):
    found = Parallel(n_jobs=2, backend=backend)(delayed(trained_bytes)(name, 2) for _ in range(3))
    assert found == [here] * 3, backend
"""


def test_a_child_forked_before_any_kernel_ran() -> None:
    assert_well(run_script(FORKED_BEFORE, NUMBA_NUM_THREADS="2"))


def test_a_forked_child_s_own_child() -> None:
    assert_well(run_script(GRANDCHILD, NUMBA_NUM_THREADS="2"))


def test_children_forked_while_another_thread_trains() -> None:
    assert_well(run_script(FORKED_FROM_A_THREAD, NUMBA_NUM_THREADS="2"))


@pytest.mark.parametrize("before", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes(method: str, before: bool) -> None:
    assert_well(run_script(POOL.format(method=method, before=before), NUMBA_NUM_THREADS="2"))


def test_joblib_s_processes_and_threads() -> None:
    assert_well(run_script(JOBLIB, NUMBA_NUM_THREADS="2"))
