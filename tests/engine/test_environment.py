"""Variables of the environment at odd values: the same numbers, or one sentence; never a hang, an abort or a traceback.

Each value is tried in a process of its own, with warnings as errors.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastpc.data import load_digits
from fastpc.engine.environment import check_environment
from fastpc.errors import ConfigurationError
from fastpc.network import PCNetwork
from fastpc.trainer import Trainer

TESTS = Path(__file__).resolve().parents[1]
SCRIPT = "from engine.test_environment import trained; print(trained(None), trained(2))"


def trained(threads: int | None) -> str:
    """Train a small network, its weights made by BLAS, and return a digest of it."""
    network = PCNetwork((64, 40, 10), initializer="orthogonal")
    Trainer(network, threads=threads).fit(load_digits()[0])
    return hashlib.sha256(network.parameters.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def expected() -> str:
    return trained(1)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "setting",
    [
        *("OMP_NUM_THREADS=1", "OMP_NUM_THREADS=0", "OMP_NUM_THREADS=abc", "OMP_NUM_THREADS=64"),
        *("OMP_THREAD_LIMIT=1", "OMP_DYNAMIC=true", "OMP_STACKSIZE=1", "OMP_PLACES=abc"),
        *("OMP_PROC_BIND=true", "OMP_PROC_BIND=abc", "GOMP_CPU_AFFINITY=0"),
        *("OMP_WAIT_POLICY=active", "OMP_WAIT_POLICY=passive", "OMP_WAIT_POLICY=abc"),
        *("OPENBLAS_NUM_THREADS=0", "OPENBLAS_NUM_THREADS=abc", "OPENBLAS_NUM_THREADS=64"),
        *("MKL_NUM_THREADS=abc", "MKL_DYNAMIC=false"),
        *("NUMBA_NUM_THREADS=1", "NUMBA_NUM_THREADS=3", "NUMBA_NUM_THREADS=64"),
        *("NUMBA_THREADING_LAYER=workqueue", "NUMBA_THREADING_LAYER=forksafe", "NUMBA_THREADING_LAYER=OMP"),
    ],
)
def test_odd_values_change_no_bit(setting: str, expected: str) -> None:
    name, _, value = setting.partition("=")
    done = run("-c", SCRIPT, **{name: value})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [expected] * 2
    assert all(line.startswith("libgomp: ") or not line for line in done.stderr.splitlines()), "OpenMP's own words"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUMBA_NUM_THREADS", "0"),
        ("NUMBA_NUM_THREADS", "-1"),
        ("NUMBA_NUM_THREADS", "abc"),
        ("NUMBA_NUM_THREADS", ""),
        ("NUMBA_THREADING_LAYER", "abc"),
        ("NUMBA_THREADING_LAYER", ""),
        ("NUMBA_DISABLE_JIT", "1"),
    ],
)
def test_what_cannot_work_is_one_sentence(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=rf"^expected {name} to be .*, got '{value}'; unset the variable$"):
        check_environment()
    done = run("-m", "fastpc", "train", "--data", "digits", "--epochs", "1")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"fastpc: expected {name} to be ")


def test_a_layer_that_is_not_installed_is_one_sentence() -> None:
    done = run("-m", "fastpc", "train", "--data", "digits", "--epochs", "1", NUMBA_THREADING_LAYER="tbb")
    if done.returncode == 0:
        pytest.skip("tbb is installed here")
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("fastpc: expected a threading layer that is installed, got NUMBA_THREADING_LAYER=tbb (")


def test_a_plain_environment_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_DISABLE_JIT"):
        monkeypatch.delenv(name, raising=False)
    check_environment()
