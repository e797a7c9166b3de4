"""The same bits from run to run, with any number of threads, on every threading layer, in every process."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from commands import SMALL, run_json
from every_rule import RULES, digits, everything, trainer_for
from fastpc import build
from fastpc.cli.saved import Saved
from fastpc.data import load_digits
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD, Adam, Optimizer
from fastpc.presets import BY_RULE, DEFAULT
from fastpc.rules import PC
from fastpc.schedules import Cosine
from fastpc.trainer import Trainer

ROOT = Path(__file__).resolve().parents[1]
TESTS = Path(__file__).resolve().parent
LAYERS = ("omp", "tbb", "workqueue")
THREADS = (1, 2, 4)

# Several tiles and units of work a batch, and a last batch that fills none of them.
RUNS: dict[str, tuple[PC, Optimizer, int]] = {
    "automatic step, adam": (PC(steps=4, step_size="auto"), Adam(2e-3, schedule=Cosine()), 100),
    "clipping, momentum": (
        PC(steps=3, momentum=0.5, tolerance=1e-3, start="random"),
        SGD(0.05, momentum=0.9, weight_decay=1e-4, clip_norm=0.1),
        77,
    ),
}


# And every rule, with numbers of either type.
EVERY_RULE = [f"{name}; {dtype}" for name in RULES for dtype in ("float32", "float64")]
EVERYTHING = (*RUNS, *EVERY_RULE)


def trained_bytes(name: str, threads: int) -> bytes:
    """Train a small network on the digits, and return its parameters and outputs."""
    if name in EVERY_RULE:
        rule_name, _, dtype = name.partition("; ")
        # The norm of the gradient is a sum over all units of work.
        trainer = trainer_for(rule_name, Adam(1e-3, clip_norm=0.5), dtype=dtype, threads=threads)
        trainer.fit(digits(), digits(samples=50), epochs=2)
        accuracies = str([record.validation_accuracy for record in trainer.history.epochs])
        return b"".join(array.tobytes() for array in everything(trainer).values()) + accuracies.encode()
    rule, optimizer, batch_size = RUNS[name]
    train, test = load_digits()
    network = PCNetwork((64, 70, 33, 10), "relu", seed=1)
    trainer = Trainer(network, rule, optimizer, batch_size, seed=2, threads=threads)
    trainer.fit(train, epochs=2)
    return network.parameters.tobytes() + network.forward(test, threads=threads).tobytes()


@pytest.fixture(scope="module")
def expected() -> dict[str, bytes]:
    """What one thread makes of each run."""
    return {name: trained_bytes(name, 1) for name in EVERYTHING}


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name", EVERYTHING)
def test_runs_repeat_on_any_number_of_threads(expected, name, threads):
    assert trained_bytes(name, threads) == expected[name]


def run_script(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that can import fastpc and these tests."""
    paths = os.pathsep.join((str(ROOT), str(TESTS)))
    # Where pip puts TBB's library, the loader does not look unasked.
    libraries = os.pathsep.join((str(Path(sys.prefix, "lib")), os.environ.get("LD_LIBRARY_PATH", "")))
    inherited = {**os.environ, "PYTHONPATH": paths, "LD_LIBRARY_PATH": libraries.strip(os.pathsep)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def assert_well(result: subprocess.CompletedProcess[str]) -> None:
    """Skip where the threading layer asked for is not installed."""
    if "No threading layer could be loaded" in result.stderr:
        pytest.skip("this threading layer is not installed")
    assert result.returncode == 0, result.stderr


EVERY_THREAD_COUNT = """
import hashlib, sys
from test_determinism import EVERYTHING, THREADS, trained_bytes
from fastpc.engine.threads import available_threads, threading_layer
for name in EVERYTHING:
    for threads in THREADS:
        print(hashlib.sha256(trained_bytes(name, threads)).hexdigest())
print(threading_layer(), available_threads(), file=sys.stderr)
"""


def digests(expected: dict[str, bytes]) -> list[str]:
    """What `EVERY_THREAD_COUNT` should print."""
    return [hashlib.sha256(expected[name]).hexdigest() for name in EVERYTHING for _ in THREADS]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_threading_layer_makes_the_same_bits(expected, layer):
    result = run_script(EVERY_THREAD_COUNT, NUMBA_NUM_THREADS="4", NUMBA_THREADING_LAYER=layer)
    assert_well(result)
    assert result.stderr.split()[-2:] == [layer, "4"]
    assert result.stdout.split() == digests(expected)


def test_a_process_of_one_core_makes_the_same_bits(expected):
    result = run_script(EVERY_THREAD_COUNT, NUMBA_NUM_THREADS="1")
    assert_well(result)
    assert result.stderr.split()[-2:] == ["none", "1"]
    assert result.stdout.split() == digests(expected)


FORKED = """
import os, sys
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
before = trained_bytes(name, 2)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        pipe.write(trained_bytes(name, 2))
    os._exit(0)
os.close(write)
with os.fdopen(read, "rb") as pipe:
    childs = pipe.read()
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert childs == before, "the child"
assert trained_bytes(name, 2) == before, "the parent, afterwards"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize("layer", LAYERS)
def test_a_forked_child_trains_after_its_parent_did(layer):
    """GNU OpenMP would abort in the child; so the child runs serially, to the same bits."""
    result = run_script(FORKED, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER=layer)
    assert_well(result)


POOL = """
import multiprocessing
from test_determinism import RUNS, trained_bytes
name = next(iter(RUNS))
if __name__ == "__main__":
    here = trained_bytes(name, 2)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.starmap(trained_bytes, [(name, 2)] * 3) == [here] * 3
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_pool_of_forked_workers_trains(expected):
    result = run_script(POOL, NUMBA_NUM_THREADS="2")
    assert_well(result)


CONCURRENT = """
from concurrent.futures import ThreadPoolExecutor
from test_determinism import RUNS, trained_bytes
names = list(RUNS) * 3
alone = [trained_bytes(name, 2) for name in RUNS] * 3
with ThreadPoolExecutor(3) as pool:
    assert list(pool.map(trained_bytes, names, [2] * 6)) == alone
"""


@pytest.mark.parametrize("layer", LAYERS)
def test_python_threads_may_train_at_once(layer):
    """Workqueue would abort; so parallel regions take turns."""
    result = run_script(CONCURRENT, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER=layer)
    assert_well(result)


def test_two_python_threads_in_this_process(expected):
    found: dict[str, bytes] = {}
    workers = [threading.Thread(target=lambda name=name: found.update({name: trained_bytes(name, 2)})) for name in RUNS]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == {name: expected[name] for name in RUNS}


@pytest.mark.parametrize("rule", BY_RULE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_hash_is_that_of_every_command_and_of_the_model_in_memory(capsys, tmp_path, rule: str, dtype: str) -> None:
    step = ["--step-size", "auto"] if rule == "notebook" else []
    command = [*SMALL, "--rule", rule, "--dtype", dtype, *step, "--out", str(tmp_path)]
    hashes = {run_json(capsys, *command, "--threads", str(threads))["parameters_sha256"] for threads in THREADS}
    hashes.add(run_json(capsys, "evaluate", str(tmp_path))["parameters_sha256"])
    assert hashes == {Saved(tmp_path).network.parameters_sha256()}


def test_a_process_of_its_own_prints_the_hash_of_a_trainer_in_this_one() -> None:
    train, _ = load_digits()
    network = PCNetwork((64, 16, 10), DEFAULT.activation, DEFAULT.loss, seed=0, initializer=DEFAULT.initializer)
    hashes = set()
    for threads in THREADS:
        command = f"from fastpc.cli import main; main({[*SMALL, '--json', '--threads', str(threads)]!r})"
        result = run_script(command, NUMBA_NUM_THREADS="4")
        assert_well(result)
        hashes.add(json.loads(result.stdout.splitlines()[-1])["parameters_sha256"])
    optimizer = build.optimizer(DEFAULT)
    Trainer(network, build.rule(DEFAULT), optimizer, DEFAULT.batch_size).fit(train, epochs=2)
    assert hashes == {network.parameters_sha256()}


def test_the_seed_decides_the_order_and_the_networks_seed_the_weights():
    train, _ = load_digits()

    def parameters(network_seed: int, seed: int) -> bytes:
        network = PCNetwork((64, 8, 10), seed=network_seed)
        Trainer(network, PC(steps=2), seed=seed).fit(train)
        return network.parameters.tobytes()

    assert parameters(0, 0) == parameters(0, 0)
    assert len({parameters(0, 0), parameters(0, 1), parameters(1, 0)}) == 3
