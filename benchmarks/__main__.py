"""Measure one workload with every baseline at hand: ``python -m benchmarks A64 --data mnist.npz``.

Each baseline runs in a process of its own, as thread pools of several libraries in one process
slow each other down, and without the variables that force BLAS kernels, which BLAS reads only once.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np

from benchmarks.baselines import BASELINES
from benchmarks.baselines.base import Baseline
from benchmarks.machine import machine, unforced
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.yardstick import Roofline, roofline


def measure(
    baseline: Baseline,
    workload: Workload,
    images: np.ndarray,
    labels: np.ndarray,
    threads: int,
    attempts: int = 5,
) -> Roofline:
    """Measure a baseline's epochs over these samples against the matrix product."""
    baseline.prepare(workload, images, labels)
    samples = len(labels)
    count = samples * workload.dense_count_per_sample()
    return roofline(baseline.epoch, count, threads, workload.dtype, samples=samples, attempts=attempts)


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each baseline, and with ``--json`` a JSON object with everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--data", required=True, help="MNIST as Keras stores it, an .npz file")
    parser.add_argument("--only", nargs="*", help="names of baselines")
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--attempts", type=int, default=5, help="rounds to try for a steady one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    workload = WORKLOADS[options.workload]
    kinds = [kind for kind in BASELINES if not options.only or kind.name in options.only]
    kinds = [kind for kind in kinds if kind.available() and kind.supports(workload)]
    environment = unforced(os.environ)
    if len(kinds) > 1 or environment != dict(os.environ):
        for kind in kinds:
            command = [sys.executable, "-m", "benchmarks", *(arguments or sys.argv[1:])]
            # The last --only counts.
            subprocess.run([*command, "--only", kind.name], env=environment, check=True)
        return
    with np.load(options.data, allow_pickle=False) as arrays:
        images = arrays["x_train"].reshape(-1, 784)[: options.samples]
        labels = arrays["y_train"][: options.samples]
    for kind in kinds:
        found = measure(kind(), workload, images, labels, options.threads, options.attempts)
        if options.json:
            record = {"workload": workload.name, "baseline": kind.name, **asdict(found)}
            print(json.dumps(record | {"machine": machine()}))
        else:
            print(
                f"{workload.name:14} {kind.name:15} {found.samples_per_second:10,.0f} samples/s  "
                f"fraction {found.fraction:.3f}  gemm {found.gemm_gflops:.0f} GFLOP/s"
                f"{'' if found.steady else '  (unsteady machine)'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
