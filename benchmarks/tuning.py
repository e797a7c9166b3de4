"""Search on MNIST's training set, train the best once more, and write both down, into docs/tuning.md.

``python -m benchmarks tuning [--trials 16] [--epochs 2] [--data SOURCE]``
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.machine import cores
from benchmarks.mnist import CHECKOUT
from benchmarks.report import markdown
from benchmarks.results import commit_info
from benchmarks.sections import fill
from fastpc.hardware import processor

PAGE = CHECKOUT / "docs" / "tuning.md"
PICTURES = ("history", "slices", "curves")
SHOWN = 5
SEARCH = ("--rule", "pc", "--hidden", "256,256", "--search", "steps,step_size,lr,loss,batch_size")


def main(arguments: list[str]) -> None:
    """Search, and fill the page's section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tuning", description=__doc__)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=cores())
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args(arguments)
    settings = [*SEARCH, "--epochs", str(given.epochs), "--trials", str(given.trials), "--jobs", str(given.jobs)]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "tuned"
        begin = time.perf_counter()
        found = fastpc("tune", "--data", given.data, *settings, "--out", str(out), "--json")
        seconds = time.perf_counter() - begin
        trained = fastpc("train", "--config", str(out / "best.toml"), "--json")
        figures = given.page.parent / "figures"
        figures.mkdir(exist_ok=True)
        for name in PICTURES:
            shutil.copy(out / f"{name}.png", figures / f"tuning-{name}.png")
    fill(given.page, "search", in_words(" ".join(settings), found, trained, seconds))


def fastpc(*arguments: str) -> Any:
    """Return what a command prints with --json.

    Raises
    ------
    BenchmarkError
        If it fails.
    """
    command = [sys.executable, "-m", "fastpc", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=CHECKOUT)
    if done.returncode:
        raise BenchmarkError(f"expected fastpc {arguments[0]} to end well, got exit code {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def in_words(settings: str, found: dict[str, Any], trained: dict[str, Any], seconds: float) -> str:
    """Return what a search found, and how its best settings do when they are trained once more, as Markdown."""
    from fastpc.cli.tuning import words

    ranked = sorted(
        (trial for trial in found["trials"] if trial["accuracy"] is not None), key=lambda trial: -trial["accuracy"]
    )
    rows = [
        [str(trial["number"]), words(trial["settings"]), f"{trial['accuracy']:.2%}", f"{trial['seconds']:.1f}"]
        for trial in ranked[:SHOWN]
    ]
    counts = ", ".join(f"{count} {outcome}" for outcome, count in found["counts"].items())
    again = "the same" if trained["validation_accuracy"] == found["validation_accuracy"] else "another"
    return (
        f"{markdown([['trial', 'settings', 'held out', 's'], *rows])}\n\n"
        f"`fastpc tune {settings}`: {counts}, in {seconds:.0f} s with all compiling. `fastpc train --config "
        f"tuned/best.toml` then has {again} accuracy of what is held out, {trained['validation_accuracy']:.2%}, and "
        f"{trained['test_accuracy']:.2%} of the test set, which took part in nothing before. On {processor()}, "
        f"{cores()} threads; commit {commit_info()['id'][:12]}."
    )
