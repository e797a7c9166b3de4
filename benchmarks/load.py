"""Training beside other work: one thread against two, with so many other processes that never rest.

``python -m benchmarks loaded [WORKLOAD …]``
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter, sleep
from typing import Any

from benchmarks import mnist
from benchmarks.machine import cores
from benchmarks.report import markdown
from benchmarks.workloads import WORKLOADS
from fastpc import PC, Adam, PCNetwork, Trainer, as_dataset
from fastpc.hardware import processor
from fastpc.team import Team

ROUNDS, SECONDS = 5, 1.5
NEVER_RESTS = "while True: pass"


class Stubborn(Team):
    """Keeps to the threads it was given, whatever they cost."""

    def record(self, samples: int, seconds: float, processor_seconds: float) -> None:
        """Change nothing."""


@dataclass
class Rates:
    """Samples a second, medians over rounds: on one thread, on all, and on all where a run cannot take fewer."""

    workload: str
    busy: int
    one: float
    all: float
    stubborn: float

    @property
    def ratio(self) -> float:
        """Of all threads to one, as a run chooses."""
        return self.all / self.one


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks loaded", description=__doc__)
    parser.add_argument("workloads", nargs="*", default=["A64", "B"], metavar="WORKLOAD")
    parser.add_argument("--data")
    given = parser.parse_args(arguments)
    print(in_words(measured(given.workloads, given.data)))


def measured(workloads: list[str], data: str | None = None, rounds: int = ROUNDS) -> list[Rates]:
    """Measure workloads on an idle machine, with half of its cores taken, all of them, and all of them twice."""
    n = cores()
    busy = sorted({0, max(1, n // 2), n, 2 * n})
    return [_measure(name, count, data, rounds) for name in workloads for count in busy]


def in_words(rates: list[Rates]) -> str:
    """Return the table in Markdown."""
    head = ["workload", "busy processes", "1 thread", f"{cores()} threads", "of 1 thread's rate", "if they had to stay"]
    rows = [
        [r.workload, str(r.busy), f"{r.one:,.0f}", f"{r.all:,.0f}", f"{r.ratio:.2f}", f"{r.stubborn:,.0f}"]
        for r in rates
    ]
    said = (
        f"Samples a second, medians of {ROUNDS} fits of about {SECONDS} s in turn, on {processor()}. The last column "
        "is of a run that cannot take fewer threads."
    )
    return f"{markdown([head, *rows], 1)}\n\n{said}"


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run so many processes that take all they can get."""
    processes = [subprocess.Popen([sys.executable, "-c", NEVER_RESTS]) for _ in range(count)]
    try:
        sleep(0.5 if count else 0)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _measure(name: str, busy: int, data: str | None, rounds: int) -> Rates:
    images = mnist.load(mnist.find(data))
    trainers = {"one": _trainer(name, 1), "all": _trainer(name, None), "stubborn": _trainer(name, None)}
    trainers["stubborn"].team = Stubborn(trainers["stubborn"].threads, cores())
    found: dict[str, list[float]] = {kind: [] for kind in trainers}
    part = as_dataset((images.images[:2048], images.labels[:2048]))
    for trainer in trainers.values():
        trainer.fit(part)  # compiles
    with busy_processes(busy):
        rate = _rate(trainers["one"], part, 1)
        epochs = max(1, round(rate * SECONDS / len(part)))
        for _ in range(rounds):
            for kind, trainer in trainers.items():
                found[kind].append(_rate(trainer, part, epochs))
    return Rates(name, busy, **{kind: median(rates) for kind, rates in found.items()})


def _rate(trainer: Trainer, data: Any, epochs: int) -> float:
    begin = perf_counter()
    trainer.fit(data, epochs=epochs)
    return len(data) * epochs / (perf_counter() - begin)


def _trainer(name: str, threads: int | None) -> Trainer:
    w = WORKLOADS[name]
    network = PCNetwork(w.sizes, w.activation, w.loss, dtype=w.dtype)
    # Its weights grow with the epochs, and no figure depends on them.
    return Trainer(network, PC(w.steps, w.step_size), Adam(w.learning_rate / 100), w.batch_size, threads=threads)
