"""How fastpc's time grows: with threads, samples, steps and depth. ``python -m benchmarks scaling``."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from time import sleep
from typing import Any

import numpy as np

from benchmarks import mnist, processes
from benchmarks.handover import handover_ns
from benchmarks.machine import cores
from benchmarks.measure import samples_of
from benchmarks.ours import FastPC
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.yardstick import PAUSE, STEADY, moved
from fastpc.hardware import gemm_gflops

THREADED = {"B": 0.93, "W": 0.93, "A256": 0.85}
"""Workloads whose gain from a second thread is measured, and the least part of sgemm's own gain it must be."""

HIDDEN = 128
GROWN = {
    "samples": (10_000, 20_000, 30_000, 40_000, 50_000, 60_000),
    "steps": (4, 8, 12, 16, 20, 24),
    "depth": (1, 2, 3, 4, 5, 6),
}
QUICK = {"samples": (2_000, 4_000, 6_000), "steps": (4, 8, 12), "depth": (1, 2, 3)}
REPEATS = 5


@dataclass(frozen=True)
class Fit:
    """A line through times: seconds = intercept + slope × x."""

    slope: float
    intercept: float
    worst_residual: float
    """The largest distance of a time from the line, as a part of that time."""


def fit_line(x: Sequence[float], seconds: Sequence[float]) -> Fit:
    """Fit a line with the least squares of relative distances: each time is known to the same part of itself."""
    t = np.asarray(seconds, float)
    slope, intercept = np.polyfit(x, t, 1, w=1 / t)
    line = intercept + slope * np.asarray(x, float)
    return Fit(float(slope), float(intercept), float(np.max(np.abs(t - line) / t)))


def relative_gain(
    one: Callable[[], float],
    several: Callable[[], float],
    threads: int,
    gemm: Callable[[int], float] = gemm_gflops,
    handover: Callable[[], float] | None = None,
    pairs: int = REPEATS,
    attempts: int = 1,
    pause: float = PAUSE,
) -> dict[str, Any]:
    """Measure the gain from several threads as a part of sgemm's own gain.

    Parameters
    ----------
    one, several : callable
        Do the same work on one thread and on `threads`, and return the seconds. Each is called once beforehand.
    threads : int
    gemm : callable
        sgemm's rate, from a number of threads.
    handover : callable, optional
        The nanoseconds of a handover between cores.
    pairs : int
        Rounds of (sgemm on one thread, on several; the work on one thread, on several).
    attempts : int
        Times to try for rounds between which neither sgemm's rate nor the handover moved; the last counts.
    pause : float
        Seconds of rest after each, as BLAS's threads spin on for a while.

    Returns
    -------
    dict
        ``gain``, ``gemm_gain``, ``relative`` gain and ``handover_ns``, each the median over the rounds, and all rounds.
    """

    def rested(measured: Callable[[], float]) -> float:
        sleep(pause)
        return measured()

    def round_of() -> dict[str, float]:
        slow, fast = rested(lambda: gemm(1)), rested(lambda: gemm(threads))
        alone = rested(one)
        beside = {"handover_ns": handover()} if handover else {}
        return {"gain": alone / rested(several), "gemm_gain": fast / slow, "gemm_gflops": fast, **beside}

    one(), several()
    for _ in range(attempts):
        rounds = [round_of() for _ in range(pairs)]
        if steady := _is_steady(rounds):
            break
    return {
        "threads": threads,
        "gain": median(found["gain"] for found in rounds),
        "gemm_gain": median(found["gemm_gain"] for found in rounds),
        "relative": median(found["gain"] / found["gemm_gain"] for found in rounds),
        "handover_ns": median(found["handover_ns"] for found in rounds) if handover else None,
        "steady": steady,
        "rounds": rounds,
    }


def _is_steady(rounds: Sequence[dict[str, float]]) -> bool:
    rates = [found["gemm_gflops"] for found in rounds]
    spread = (max(rates) - min(rates)) / median(rates)
    return spread <= STEADY and not moved([found["handover_ns"] for found in rounds if "handover_ns" in found])


def thread_gain(workload: Workload, data: mnist.Mnist, threads: int, quick: bool) -> dict[str, Any] | None:
    """Measure a workload's gain from all threads; None where there is one alone."""
    if threads < 2:
        return None
    n = samples_of(workload, quick)
    runs = []
    for count in (1, threads):
        ours = FastPC(count)
        ours.prepare(workload, data.images[:n], data.labels[:n])
        runs.append(ours.epoch)
    one, several = runs
    pairs, attempts = (2, 1) if quick else (REPEATS, 3)
    found = relative_gain(one, several, threads, handover=handover_ns, pairs=pairs, attempts=attempts)
    return {"workload": workload.name, **found}


def grown(kind: str, x: int) -> tuple[Workload, int | None]:
    """Return the workload in which something has grown to x, and its samples (None: those all share)."""
    base = replace(WORKLOADS["A256"], steps=20)
    if kind == "samples":
        return WORKLOADS["A256"], x
    if kind == "steps":
        return replace(WORKLOADS["B"], steps=x), None
    return replace(base, sizes=(784, *[HIDDEN] * x, 10)), None


def growth(kind: str, data: mnist.Mnist, quick: bool) -> dict[str, Any]:
    """Fit a line to the seconds of an epoch as samples, steps or depth grow.

    All points are measured in turns, and the best of a few turns counts: a machine's bad moments then fall on no
    single point.
    """
    points = (QUICK if quick else GROWN)[kind]
    shared = 2_560 if quick else 15_360
    runs = []
    for x in points:
        workload, own = grown(kind, x)
        n = own or shared
        ours = FastPC()
        ours.prepare(workload, data.images[:n], data.labels[:n])
        runs.append(ours.epoch)
    turns = [[run() for run in runs] for _ in range(3 if quick else REPEATS)]
    seconds = [min(times) for times in zip(*turns, strict=True)]
    return {"x": points, "seconds": seconds, **asdict(fit_line(points, seconds))}


def measure(data: str, quick: bool) -> dict[str, Any]:
    """Measure everything, each in a process of its own."""

    def part(*names: str) -> Any:
        flags = ["--quick"] if quick else []
        return processes.run(["-m", "benchmarks", "scaling", "--data", data, "--part", *names, *flags])

    return {
        "threads": {name: part("threads", name) for name in THREADED},
        **{kind: part(kind) for kind in GROWN},
    }


def main(arguments: list[str]) -> None:
    """Print what was measured as one JSON object."""
    if {"--ranks", "--rank"} & set(arguments):
        from benchmarks import rank_scaling

        rank_scaling.main([argument for argument in arguments if argument != "--ranks"])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks scaling", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--part", nargs="+", metavar="PART", help="threads WORKLOAD, samples, steps or depth alone")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--ranks", action="store_true", help="1 and 2 ranks of MPI instead, into docs/distributed.md")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    options = parser.parse_args(arguments)
    path = mnist.find(options.data)
    if not options.part:
        print(json.dumps(measure(str(path), options.quick)))
        return
    kind, *names = options.part
    data = mnist.load(path)
    if kind == "threads":
        print(json.dumps(thread_gain(WORKLOADS[names[0]], data, cores(), options.quick)))
    else:
        print(json.dumps(growth(kind, data, options.quick)))
