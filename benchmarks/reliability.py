"""Kill runs, damage files, load the machine, live long, and write down what became of it, into docs/reliability.md.

``python -m benchmarks reliability [PART …] [--kills 100] [--files 10000]``
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import load, steady, versions
from benchmarks.errors import BenchmarkError
from benchmarks.kills import FILE, RUNS, SETTINGS, Tally, kill_at_random
from benchmarks.mnist import CHECKOUT
from benchmarks.mutations import mutated
from benchmarks.numbers import accuracies, accuracies_in_words
from benchmarks.report import markdown
from benchmarks.results import commit_info
from benchmarks.sections import fill

PAGE = CHECKOUT / "docs" / "reliability.md"
EPOCHS = 15


def main(arguments: list[str]) -> None:
    """Run the parts asked for, and fill their sections of the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks reliability", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--kills", type=int, default=100, help="in all, a part for each rule")
    parser.add_argument("--files", type=int, default=10_000, help="in all, half of each kind")
    parser.add_argument("--batches", type=int, default=1000, help="of the part memory")
    parser.add_argument("--fits", type=int, default=20, help="of the part memory")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        raise BenchmarkError(f"expected parts of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            fill(given.page, name, f"{PARTS[name](given, Path(folder))} Commit {commit_info()['id'][:12]}.")


# What each part writes, from the options and an empty folder.
PARTS: dict[str, Callable[[argparse.Namespace, Path], str]] = {
    "kills": lambda given, folder: kills_in_words(killed(given.kills, folder)),
    "files": lambda given, folder: files_in_words(damaged(given.files, folder)),
    "numbers": lambda given, folder: accuracies_in_words(accuracies()),
    "load": lambda given, folder: load.in_words(load.measured(["A64", "B"])),
    "memory": lambda given, folder: steady.in_words(steady.measured(given.batches, given.fits)),
    "versions": lambda given, folder: versions.in_words(versions.tried()),
}


def killed(kills: int, folder: Path) -> dict[str, Tally]:
    """Kill runs of several rules at random moments, `kills` times in all."""
    tallies = {}
    for i, name in enumerate(RUNS):
        share = kills // len(RUNS) + (i < kills % len(RUNS))
        (folder / name).mkdir()
        tallies[name] = kill_at_random(name, share, folder / name, EPOCHS, seed=i)
        print(f"{name}: {tallies[name]}", flush=True)
    return tallies


def kills_in_words(tallies: dict[str, Tally]) -> str:
    """Return the figures of `killed` as Markdown."""
    head = ["run", "of its own", "kills", "of these within a save", "runs that ended", "differences"]
    rows = [
        [name, f"`{' '.join(RUNS[name])}`", *map(str, (t.kills, t.in_saves, t.runs, len(t.different)))]
        for name, t in tallies.items()
    ]
    total = sum(tally.kills for tally in tallies.values())
    return (
        f"{markdown([head, *rows])}\n\n{total} kills, every life on 1, 2 or 4 threads. "
        f"All runs with `{' '.join(SETTINGS)} --epochs {EPOCHS}`."
    )


def damaged(files: int, folder: Path) -> dict[str, Any]:
    """Read damaged files, a half models and a half checkpoints; count what came of them."""
    from fastpc import Checkpoint, PCNetwork, Trainer, load_digits
    from fastpc.errors import CheckpointError

    train, _ = load_digits()
    train = train.take(np.arange(64))

    def trainer() -> Any:
        return Trainer(PCNetwork((64, 8, 10)))

    saved = trainer()
    saved.fit(train, epochs=2, checkpoint=Checkpoint(folder, every=2))
    saved.network.save(folder / "model")
    going_on = trainer()
    readers: dict[Path, Callable[[], object]] = {
        folder / "model": lambda: PCNetwork.load(folder / "model"),
        folder / FILE: lambda: going_on.resume(train, checkpoint=Checkpoint(folder)),
    }
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for half, (path, read) in enumerate(readers.items()):
        content, before = path.read_bytes(), going_on.network.parameters.tobytes()
        for kind, changed in mutated(content, files // 2 + half * (files % 2), seed=half):
            path.write_bytes(changed)
            begin = time.perf_counter()
            try:
                read()
                outcome = f"read: {kind}"
            except CheckpointError as error:
                well = str(error).startswith(f"{path}: expected ") and ", got " in str(error)
                outcome = "CheckpointError" if well else f"CheckpointError without a name: {error}"
            except Exception as error:
                outcome = f"{type(error).__name__}: {kind}: {error}"
            slowest = max(slowest, time.perf_counter() - begin)
            kinds[kind] += 1
            outcomes[outcome] += 1
        if going_on.network.parameters.tobytes() != before:
            raise BenchmarkError("expected the network in memory to be untouched, got another")
        path.write_bytes(content)
        read()  # the file itself is well
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    return {"kinds": kinds, "outcomes": outcomes, "slowest": slowest, "grown": grown / 1024}


def files_in_words(found: dict[str, Any]) -> str:
    """Return the figures of `damaged` as Markdown."""
    rows = [[outcome, str(count)] for outcome, count in found["outcomes"].most_common(20)]
    kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(found["kinds"].items()))
    return (
        f"{markdown([['outcome', 'files'], *rows], 1)}\n\nWhat was done to them: {kinds}. The slowest took "
        f"{1000 * found['slowest']:.0f} ms, and the process grew by {found['grown']:.0f} MB over all of them."
    )
