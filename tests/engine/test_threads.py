"""How many threads there are, and that a result never depends on it."""

import hashlib
import os
import subprocess
import sys
import textwrap
import threading
from importlib.util import find_spec
from typing import Any

import numba
import numpy as np
import pytest

from fastpc import PC, Adam, PCNetwork, Trainer
from fastpc.engine import threads
from fastpc.engine.threads import available_threads, choose_threads, may_run_parallel
from fastpc.errors import ConfigurationError


def test_all_cores_are_taken_unless_told_otherwise() -> None:
    assert choose_threads(None) == available_threads() == numba.config.NUMBA_NUM_THREADS
    assert choose_threads(1) == 1
    assert choose_threads(64) == 64, "more than there are: shares are run one after another"


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_anything_but_a_count_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected threads .*, got .*; leave it out"):
        choose_threads(wrong)


def test_one_thread_opens_no_parallel_region() -> None:
    assert not may_run_parallel(1)


FORKS_AFTER_SOMEONE_ELSES_REGION = """
import os
import numba, numpy as np
from fastpc import PCNetwork
from fastpc.engine.threads import may_run_parallel

@numba.njit(parallel=True)
def theirs(x):
    total = 0.0
    for i in numba.prange(len(x)):
        total += x[i]
    return total

theirs(np.ones(1000))
child = os.fork()
if child == 0:
    assert not may_run_parallel(2)
    outputs = PCNetwork((3, 4, 2)).forward(np.ones((100, 3), np.float32), threads=2)
    os._exit(0 if np.isfinite(outputs).all() else 3)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


def test_a_child_forked_after_anyone_s_region_opens_none() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FORKS_AFTER_SOMEONE_ELSES_REGION],
        env=os.environ | {"NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == "0", ran.stderr


def test_a_single_core_opens_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_threads", lambda: 1)
    assert not may_run_parallel(4)


def test_other_code_s_thread_count_is_left_as_it_was() -> None:
    network, x = PCNetwork((3, 4, 2)), np.ones((100, 3), np.float32)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        network.forward(x, threads=available_threads())
        assert numba.get_num_threads() == 1
    finally:
        numba.set_num_threads(before)


def test_python_threads_may_call_the_engine_at_once() -> None:
    network = PCNetwork((20, 30, 5))
    x = np.random.default_rng(0).normal(0, 1, (500, 20)).astype(np.float32)
    exact = network.forward(x, threads=1)
    found: dict[int, Any] = {}

    def ask(k: int) -> None:
        for _ in range(10):
            found[k] = network.forward(x, threads=2)

    callers = [threading.Thread(target=ask, args=(k,)) for k in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 4
    assert all(np.array_equal(outputs, exact) for outputs in found.values())


# -- other processes -----------------------------------------------------------------------------


def train(n_threads: int) -> str:
    """Return a digest of what a short training leaves: parameters and history."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (333, 20)).astype(np.float32)
    network = PCNetwork((20, 40, 33, 5), "tanh")
    y = rng.integers(0, 5, 333)
    rule = PC(steps=4, step_size="auto", start="random")
    trainer = Trainer(network, rule, Adam(clip_norm=1.0), 70, threads=n_threads)
    history = trainer.fit((x, y), epochs=2)
    energies = [record.energy for record in history.epochs]
    return hashlib.sha256(network.parameters.tobytes() + repr(energies).encode()).hexdigest()


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from engine.test_threads import train
from fastpc.engine.threads import threading_layer
"""


def run(code: str, **environment: str) -> list[str]:
    """Return the lines that a fresh process prints."""
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = os.path.dirname(tests)
    script = SCRIPT.format(tests=tests) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


LAYERS = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}


@pytest.fixture(scope="module")
def serial_digest() -> str:
    return train(1)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_threading_layer_gives_the_same_bits_on_1_2_and_4_threads(layer: str, serial_digest: str) -> None:
    if find_spec("numba.np.ufunc." + LAYERS[layer]) is None:
        pytest.skip(f"this Numba has no {layer}")
    if layer == "tbb" and find_spec("tbb") is None:
        pytest.skip("tbb is not installed")
    code = """
    print(threading_layer(), train(1), threading_layer())
    print(train(2), train(3), train(4), threading_layer())
    """
    before, first, still, *others, after = run(code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="4")
    assert (before, still, after) == ("none", "none", layer), "one thread starts no layer"
    assert {first, *others} == {serial_digest}


def test_one_core_gives_the_same_bits(serial_digest: str) -> None:
    assert run("print(train(2), threading_layer())", NUMBA_NUM_THREADS="1") == [serial_digest, "none"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_goes_on_by_itself(serial_digest: str) -> None:
    code = """
    import os, warnings
    print(train(2), flush=True)
    warnings.simplefilter("ignore")
    child = os.fork()
    if child == 0:
        print(train(2), flush=True)
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    """
    assert run(code, NUMBA_NUM_THREADS="2") == [serial_digest, serial_digest, "0"]


def test_no_other_library_s_threads_are_limited() -> None:
    code = """
    import numpy, scipy.linalg
    from threadpoolctl import threadpool_info
    def blas():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    before = blas()
    train(2)
    print(blas() == before)
    """
    assert run(code) == ["True"]
