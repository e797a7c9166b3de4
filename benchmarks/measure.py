"""Measure one workload with each implementation: ``python -m benchmarks measure A64``.

Each implementation runs in a process of its own; see `processes`.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import mnist, processes
from benchmarks.baselines import BASELINES
from benchmarks.baselines.base import Baseline
from benchmarks.errors import BenchmarkError
from benchmarks.machine import cores, forced_settings, machine
from benchmarks.ours import FastPC
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.yardstick import roofline

_ALL: tuple[type[Baseline], ...] = (FastPC, *BASELINES)
IMPLEMENTATIONS = {kind.name: kind for kind in _ALL}
# Of one run: an epoch where that is less, else as many whole batches as stay below.
LARGEST_COUNT, QUICK_COUNT = 1e12, 5e9
EPOCH = 60_000


def available() -> list[str]:
    """Return the names of the implementations that are installed here."""
    return [name for name, kind in IMPLEMENTATIONS.items() if kind.available()]


def samples_of(workload: Workload, quick: bool, most: int = EPOCH) -> int:
    """Return how many samples a run takes, the same for every implementation."""
    limit = QUICK_COUNT if quick else LARGEST_COUNT
    batches = max(4, int(limit // workload.dense_count_per_batch()))
    return min(most, batches * workload.batch_size)


def measure(
    implementation: Baseline,
    workload: Workload,
    images: np.ndarray,
    labels: np.ndarray,
    threads: int,
    attempts: int = 5,
) -> dict[str, Any]:
    """Measure an implementation's epochs over these samples against the matrix product; see `yardstick`."""
    begin = perf_counter()
    implementation.prepare(workload, images, labels)
    prepared = perf_counter() - begin
    count = len(labels) * workload.dense_count_per_sample()
    found = roofline(
        implementation.epoch, count, threads, workload.dtype, samples=len(labels), attempts=attempts,
        handover=_handover(implementation, threads),
    )  # fmt: skip
    return {
        "workload": workload.name,
        "implementation": implementation.name,
        "samples": len(labels),
        "threads": threads,
        "flops": count,
        "prepare_seconds": prepared,
        **asdict(found),
    }


def _handover(implementation: Baseline, threads: int) -> Callable[[], float] | None:
    # Baselines run where Numba need not be, and hand over too rarely to notice.
    if threads < 2 or not isinstance(implementation, FastPC):
        return None
    from benchmarks.handover import handover_ns

    return handover_ns


def _on_threads(name: str, threads: int) -> Baseline:
    """Return an implementation that keeps to these threads; baselines' own libraries take all cores."""
    return FastPC(threads=threads) if name == FastPC.name else IMPLEMENTATIONS[name]()


def line(found: dict[str, Any]) -> str:
    """Say what was measured in one line."""
    handover = "" if found["handover_ns"] is None else f"  handover {found['handover_ns']:.0f} ns"
    return (
        f"{found['workload']:14} {found['implementation']:15} {found['samples_per_second']:10,.0f} samples/s  "
        f"fraction {found['fraction']:.3f}  gemm {found['gemm_gflops']:.0f} GFLOP/s{handover}"
        f"{'' if found['steady'] else '  (unsteady machine)'}"
    )


def command(name: str, workload: str, data: str, samples: int, threads: int, attempts: int) -> list[str]:
    """Return the arguments of Python that measure one implementation, for `processes.run`."""
    options = f"--samples {samples} --threads {threads} --attempts {attempts} --json".split()
    return ["-m", "benchmarks", "measure", workload, "--data", data, "--only", name, *options]


def main(arguments: list[str]) -> None:
    """Print a line for each implementation, and with ``--json`` a JSON object with everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks measure", description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--data", help="MNIST as Keras stores it, an .npz file")
    parser.add_argument("--only", nargs="*", help="names of implementations", choices=IMPLEMENTATIONS)
    parser.add_argument("--samples", type=int, help="of one run; by default an epoch, or less of a large network")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--attempts", type=int, default=5, help="rounds to try for a steady one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    workload = WORKLOADS[options.workload]
    data = mnist.find(options.data)
    samples = options.samples or samples_of(workload, quick=False)
    names = [name for name in options.only or available() if IMPLEMENTATIONS[name].supports(workload)]
    if missing := set(names) - set(available()):
        raise BenchmarkError(
            f"expected an installed implementation, got {', '.join(missing)}; install it, or name others"
        )
    if not names:
        raise BenchmarkError(f"expected an implementation of {workload.name}, got none; name others with --only")
    if len(names) == 1 and not forced_settings(os.environ):
        loaded = mnist.load(data)
        (name,) = names
        images, labels = loaded.images[:samples], loaded.labels[:samples]
        found = measure(_on_threads(name, options.threads), workload, images, labels, options.threads, options.attempts)
        found["machine"] = machine()
        print(json.dumps(found) if options.json else line(found), flush=True)
        return
    for name in names:
        found = processes.run(
            command(name, workload.name, str(data), samples, options.threads, options.attempts), sys.executable
        )
        print(json.dumps(found) if options.json else line(found), flush=True)
