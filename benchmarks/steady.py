"""What a long life leaves behind in a process: memory, threads and open files over many batches and many fits.

``python -m benchmarks steady [--batches 1000] [--fits 20]``
"""

import argparse
import gc
import json
import os
import threading
import tracemalloc
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.report import markdown

WARM_UP_BATCHES, WARM_UP_FITS = 200, 3
BATCH_SIZE = 64


def main(arguments: list[str]) -> None:
    """Measure, here, and print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks steady", description=__doc__)
    parser.add_argument("--batches", type=int, default=1000)
    parser.add_argument("--fits", type=int, default=20)
    given = parser.parse_args(arguments)
    over = {f"{given.batches} batches": over_batches(given.batches), f"{given.fits} fits": over_fits(given.fits)}
    print(json.dumps({name: growth(marks) for name, marks in over.items()}))


def measured(batches: int = 1000, fits: int = 20) -> dict[str, dict[str, float]]:
    """Measure in a process of its own."""
    arguments = ["-m", "benchmarks", "steady", "--batches", str(batches), "--fits", str(fits)]
    found: dict[str, dict[str, float]] = processes.run(arguments, timeout=600)
    return found


def in_words(found: dict[str, dict[str, float]]) -> str:
    """Return the table in Markdown."""
    head = ["over", "resident, KB", "allocated by Python, KB", "threads", "open files"]
    rows = [
        [name, f"{g['resident'] / 1000:+.0f}", f"{g['traced'] / 1000:+.1f}", f"{g['threads']:+d}", f"{g['files']:+d}"]
        for name, g in found.items()
    ]
    return (
        f"{markdown([head, *rows], 1)}\n\nAfter a warm-up of {WARM_UP_BATCHES} batches, or {WARM_UP_FITS} fits: "
        f"784-128-10 by PC and Adam on batches of {BATCH_SIZE}, every fit with a trainer and a network of its own."
    )


def growth(marks: list[dict[str, int]]) -> dict[str, int]:
    """Return what grew from the first mark to the last."""
    return {name: marks[-1][name] - marks[0][name] for name in marks[0]}


def mark() -> dict[str, int]:
    """Return what this process has: resident bytes, bytes traced by tracemalloc, threads of the system, open files."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "resident": pages * os.sysconf("SC_PAGE_SIZE"),
        "traced": tracemalloc.get_traced_memory()[0],
        "threads": len(os.listdir("/proc/self/task")),
        "python_threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
    }


class _Marks:
    """Takes a mark where the warm-up ends, and one where the run does."""

    def __init__(self, warm_up: int, end: int) -> None:
        self.warm_up, self.end, self.marks = warm_up, end, list[dict[str, int]]()

    def on_chunk(self, trainer: Any, progress: Any) -> None:
        done = (progress.epoch - 1) * progress.batches + progress.batch
        if done >= (self.end if self.marks else self.warm_up) and len(self.marks) < 2:
            self.marks.append(mark())


def over_batches(batches: int) -> list[dict[str, int]]:
    """Return marks after the warm-up and so many batches later, within one fit."""
    per_epoch = 100
    marks = _Marks(WARM_UP_BATCHES, WARM_UP_BATCHES + batches)
    tracemalloc.start()
    try:
        _trainer([marks]).fit(_data(per_epoch), epochs=-(-(WARM_UP_BATCHES + batches) // per_epoch))
    finally:
        tracemalloc.stop()
    return marks.marks


def over_fits(fits: int) -> list[dict[str, int]]:
    """Return marks after the warm-up and after each of so many fits."""
    data = _data(50)
    for _ in range(WARM_UP_FITS):
        _trainer([]).fit(data)
    tracemalloc.start()
    try:
        _trainer([]).fit(data)
        marks = [mark()]
        for _ in range(fits):
            _trainer([]).fit(data)
            marks.append(mark())
    finally:
        tracemalloc.stop()
    return marks


def _data(batches: int) -> Any:
    import numpy as np

    from fastpc import as_dataset

    rng = np.random.default_rng(0)
    n = batches * BATCH_SIZE
    return as_dataset((rng.integers(0, 256, (n, 784)).astype(np.uint8), rng.integers(0, 10, n)))


def _trainer(callbacks: list[Any]) -> Any:
    from fastpc import PC, Adam, PCNetwork, Trainer

    network = PCNetwork((784, 128, 10))
    return Trainer(network, PC(steps=8, step_size=0.1), Adam(1e-4), BATCH_SIZE, callbacks=callbacks)
