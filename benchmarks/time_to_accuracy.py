"""Seconds of training until the test accuracy first reaches 97% and 98%: ``python -m benchmarks race``.

784-256-256-10 on MNIST, Adam, the accuracy measured at the end of every epoch, off the clock. Settings were chosen
beforehand on a validation split; see `settings`. Every race runs in a process of its own, three seeds each:

- ``total_seconds``: from the start of the process, imports, data and compilation included;
- ``train_seconds``: the same epochs once more with everything compiled, alone.
"""

import argparse
import json
import os
import tempfile
import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks import mnist, processes
from benchmarks.baselines.base import Baseline, Parameters, initial_parameters
from benchmarks.errors import BenchmarkError
from benchmarks.settings import RACERS, TARGETS, Racer, chosen, factor, with_settings
from benchmarks.workloads import Workload

SEEDS = (0, 1, 2)
STARTED = "FASTPC_BENCHMARK_STARTED"
REST = 0.1
"""Seconds, off the clock: BLAS's threads spin on after the accuracy was measured."""


def accuracy(parameters: Parameters, activation: str, images: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images whose largest feed-forward output stands at their label."""
    from benchmarks.equilibrium import feed_forward

    x = images.astype(np.float32) / np.float32(255)
    return float(np.mean(feed_forward(parameters, x, activation)[1].argmax(axis=1) == labels))


def implementation_of(racer: Racer) -> Baseline:
    """Return an implementation that compiles nothing before its first epoch."""
    from benchmarks.baselines import BASELINES
    from benchmarks.ours import FastPC

    if racer.implementation == "fastpc":
        return FastPC(**racer.options)
    return next(kind for kind in BASELINES if kind.name == racer.implementation)()


def reached(curve: list[float], target: float) -> int | None:
    """Return the number of the first epoch, from 1, at whose end the accuracy was there."""
    return next((epoch for epoch, found in enumerate(curve, 1) if found >= target), None)


def race(racer: Racer, workload: Workload, data: mnist.Mnist, seed: int, started: float, epochs: int) -> dict[str, Any]:
    """Train the epochs planned, or until the last target is reached; then train them again with everything compiled."""
    runner = implementation_of(racer)
    initial = initial_parameters(workload, seed)
    runner.prepare(workload, data.images, data.labels, seed, initial, warm_up=False)
    clock, begin = time.time() - started, time.perf_counter()
    curve: list[float] = []
    totals: list[float] = []
    while len(curve) < epochs and (not curve or max(curve) < TARGETS[-1]):
        _epoch(runner, len(curve), epochs)
        clock += time.perf_counter() - begin
        totals.append(clock)
        curve.append(accuracy(runner.parameters(), workload.activation, data.test_images, data.test_labels))
        time.sleep(REST)
        begin = time.perf_counter()
    last = runner.parameters()
    about_pc = _about_pc(runner, workload, data)
    time.sleep(REST)
    runner.restart(initial)
    each = [_epoch(runner, epoch, epochs) for epoch in range(len(curve))]
    seconds = np.cumsum(each).tolist()
    there = {str(target): reached(curve, target) for target in TARGETS}

    def until(times: list[float]) -> dict[str, float | None]:
        return {target: None if epoch is None else times[epoch - 1] for target, epoch in there.items()}

    return {
        "seed": seed,
        "epochs": there,
        "epoch_seconds": median(each),
        "train_seconds": until(seconds),
        "total_seconds": until(totals),
        "accuracy": curve,
        "repeated": _same(last, runner.parameters()),
        **about_pc,
    }


def _epoch(runner: Baseline, epoch: int, epochs: int) -> float:
    runner.rate = runner.workload.learning_rate * factor(epoch, epochs)
    return runner.epoch()


def _about_pc(runner: Baseline, workload: Workload, data: mnist.Mnist) -> dict[str, Any]:
    """Return what stands beside a PC time: steps, residual, and the cosine with backpropagation's gradient."""
    from benchmarks.equilibrium import quality
    from benchmarks.ours import FastPC

    if not isinstance(runner, FastPC):
        return {}
    images, labels = data.images[:1024], data.labels[:1024]
    return {"relaxation": quality(runner.parameters(), workload, images, labels, runner.relaxed(images, labels))}


def _same(first: Parameters, second: Parameters) -> float:
    """Return how far, relative to its size, the repetition's weights ended from the first run's."""
    pairs = zip(first, second, strict=True)
    return max(float(np.linalg.norm(W - V) / np.linalg.norm(W)) for (W, _), (V, _) in pairs)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over seeds; None where a seed did not get there."""

    def middle(kind: str, target: str) -> float | None:
        found = [run[kind][target] for run in runs]
        return None if any(value is None for value in found) else median(found)

    kinds = ("epochs", "train_seconds", "total_seconds")
    return {kind: {str(target): middle(kind, str(target)) for target in TARGETS} for kind in kinds}


def measure(
    names: list[str], data: str, pythons: list[str], seeds: tuple[int, ...], most: int | None
) -> dict[str, Any]:
    """Run the races of everyone who is installed in one of these Pythons."""
    from benchmarks.record import interpreters, say

    known = interpreters(pythons)
    found: dict[str, Any] = {}
    for name in names:
        racer = RACERS[name]
        if racer.implementation not in known:
            continue

        def once(seed: int, name: str = name, python: str = known[racer.implementation], **more: str) -> dict[str, Any]:
            arguments = ["-m", "benchmarks", "race", name, "--data", data, "--one", str(seed)]
            arguments += [] if most is None else ["--epochs", str(most)]
            return dict(processes.run(arguments, python, more=more | {STARTED: repr(time.time())}))

        try:
            workload, epochs = chosen(name)
        except BenchmarkError as error:
            say(f"race: {name:20} left out: {error}")
            continue
        if racer.implementation == "fastpc":
            once(seeds[0])  # leaves the compiled kernels on disk, as any earlier run does
        runs = [once(seed) for seed in seeds]
        settings = {key: getattr(workload, key) for key in ("rule", "loss", "learning_rate", "batch_size", "steps")}
        settings["epochs"] = epochs
        found[name] = {"settings": settings, **summary(runs), "runs": runs}
        if racer.implementation == "fastpc":
            with tempfile.TemporaryDirectory() as empty:
                found[name]["with_empty_cache"] = once(seeds[0], FASTPC_CACHE_DIR=empty)["total_seconds"]
        say(f"race: {name:20} {json.dumps(found[name]['train_seconds'])} of {json.dumps(found[name]['total_seconds'])}")
    return found


def main(arguments: list[str]) -> None:
    """Print what was measured as one JSON object."""
    started = float(os.environ.get(STARTED) or time.time())
    parser = argparse.ArgumentParser(prog="python -m benchmarks race", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RACERS)}; all by default")
    parser.add_argument("--data")
    parser.add_argument("--python", action="append", default=[], help="another Python for what is not installed here")
    parser.add_argument("--one", type=int, metavar="SEED", help="one race, in this process")
    parser.add_argument("--settings", type=json.loads, help="in place of the chosen ones")
    parser.add_argument("--validation", action="store_true", help="on the validation split")
    parser.add_argument("--epochs", type=int, help="in place of those planned")
    parser.add_argument("--quick", action="store_true", help="one seed, two epochs")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    options = parser.parse_args(arguments)
    names = options.names or list(RACERS)
    if unknown := set(names) - set(RACERS):
        raise BenchmarkError(f"expected racers among {', '.join(RACERS)}, got {', '.join(sorted(unknown))}")
    path = mnist.find(options.data)
    if options.one is None:
        seeds, most = ((SEEDS[0],), options.epochs or 2) if options.quick else (SEEDS, options.epochs)
        print(json.dumps(measure(names, str(path), options.python, seeds, most)))
        return
    racer = RACERS[names[0]]
    workload, epochs = with_settings(racer.workload, options.settings) if options.settings else chosen(names[0])
    data = mnist.load(path)
    if options.validation:
        data = data.validation_split()
    print(json.dumps(race(racer, workload, data, options.one, started, options.epochs or epochs)))
