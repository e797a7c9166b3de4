"""Seconds before any training: ``python -m benchmarks compile``.

Compilation with an empty cache, the first batch with a warm one, ``import fastpc`` and ``fastpc --help``.
Nothing but a fresh process tells: what was imported or compiled once is there for good.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import Any

from benchmarks import processes
from benchmarks.errors import BenchmarkError

STARTED = "FASTPC_BENCHMARK_STARTED"

FIRST_BATCH = f"""
import json, os, time
import numpy as np
from fastpc import PC, Adam, PCNetwork, Trainer, as_dataset

images = np.zeros((64, 784), np.uint8)
images[:, ::5] = 255
data = as_dataset(images, np.arange(64) % 10, n_classes=10)
# Workload A64's network; A256's is the same code, and A64t's takes another branch of it.
trainer = Trainer(PCNetwork((784, 128, 10), "relu", "squared_error"), PC(steps=8, step_size=0.1), Adam(1e-3))
history = trainer.fit(data)
trained = time.time() - float(os.environ["{STARTED}"])
begin = time.perf_counter()
trainer.evaluate(data)
evaluated = time.perf_counter() - begin
print(json.dumps({{"compile_seconds": history.compile_seconds + evaluated, "first_batch_seconds": trained}}))
"""

IMPORT = """
import json, time
import numpy
begin = time.perf_counter()
import fastpc
print(json.dumps({"import_seconds": time.perf_counter() - begin}))
"""


def own_cache() -> str:
    """Return the folder of compiled kernels that this process's fastpc uses; "" stands for its default."""
    return os.environ.get("FASTPC_CACHE_DIR", "")


def first_batch(cache: str) -> dict[str, float]:
    """Train one batch of workload A64 in a fresh process, with this folder of compiled kernels.

    Returns
    -------
    dict
        ``compile_seconds``: of everything that training and evaluation need, with an empty folder (and of loading it,
        with a warm one); ``first_batch_seconds``: from the process's start to the first trained batch.
    """
    more = {"FASTPC_CACHE_DIR": cache, STARTED: repr(time.time())}
    return dict(processes.run(["-c", FIRST_BATCH], more=more))


def import_seconds() -> float:
    """Return the seconds of ``import fastpc`` beyond NumPy's, in a fresh process."""
    return float(processes.run(["-c", IMPORT])["import_seconds"])


def wall_seconds(*arguments: str) -> float:
    """Return how long Python takes from start to end with these arguments."""
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], env=processes.environment(), capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"expected {' '.join(arguments)} to succeed, got exit code {done.returncode}")
    return time.perf_counter() - begin


def help_seconds(rounds: int = 5) -> float:
    """Return the seconds of ``fastpc --help`` beyond those of ``import numpy``: the median of alternating pairs."""
    pairs = [(wall_seconds("-m", "fastpc", "--help"), wall_seconds("-c", "import numpy")) for _ in range(rounds)]
    return median(ours - numpy for ours, numpy in pairs)


def measure(rounds: int = 3) -> dict[str, Any]:
    """Measure everything; what is warm is the median of some rounds."""
    with tempfile.TemporaryDirectory() as cache:
        cold = first_batch(cache)
        warm = [first_batch(cache) for _ in range(rounds)]
    return {
        "cold_compile_seconds": cold["compile_seconds"],
        "cold_first_batch_seconds": cold["first_batch_seconds"],
        "warm_load_seconds": median(found["compile_seconds"] for found in warm),
        "warm_first_batch_seconds": median(found["first_batch_seconds"] for found in warm),
        "import_seconds_beyond_numpy": median(import_seconds() for _ in range(rounds)),
        "help_seconds_beyond_numpy": help_seconds(rounds),
    }


def main(arguments: list[str]) -> None:
    """Print what was measured as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compile", description=__doc__)
    parser.add_argument("--data", help="ignored: one batch is made up")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    options = parser.parse_args(arguments)
    print(json.dumps(measure(2 if options.quick else 5)))
