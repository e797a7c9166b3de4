"""Runs of presets, several seeds of each: kept in a folder, resumed from it, and held to their bars."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from fastpc.cli.info import processor
from fastpc.cli.job import Job
from fastpc.cli.options import say, warn
from fastpc.cli.output import as_plain, percent
from fastpc.cli.report import as_record
from fastpc.cli.run import METRICS
from fastpc.errors import DivergenceError
from fastpc.reproductions import REPRODUCTIONS, Reproduction

RESULT = "result.json"
QUICK_EPOCHS = 3
QUICK_SLACK = 0.015
"""How far below its bar a quick run may end: three of 25 epochs cost up to a point of accuracy, and what is broken
costs more than the half point that is left for a single seed's luck."""


@dataclass(frozen=True)
class Row:
    """A preset and its runs.

    Attributes
    ----------
    target : Reproduction
    bar : float
        What to reach here.
    runs : list of dict
        What `fastpc train --json` says of each seed, with ``metrics`` (a dict for each epoch), ``processor`` and
        ``threads``; None where a run diverged.
    """

    target: Reproduction
    bar: float
    runs: list[dict[str, Any] | None]

    @property
    def accuracies(self) -> list[float]:
        """Test accuracies after the final epoch, of runs that have one."""
        return [float(run["test_accuracy"]) for run in self.runs if run is not None]

    @property
    def accuracy(self) -> float | None:
        """Their mean; None unless every run has one."""
        return fmean(self.accuracies) if self.runs and None not in self.runs else None

    @property
    def seconds(self) -> float:
        """Of training, all seeds together."""
        return sum(float(run["train_seconds"]) for run in self.runs if run is not None)

    @property
    def met(self) -> bool:
        """Whether the mean reaches the bar."""
        return self.accuracy is not None and self.accuracy >= self.bar


def reproduce(
    names: Sequence[str], folder: Path, seeds: int, *, quick: bool, source: str, threads: int | None, show: bool
) -> list[Row]:
    """Run presets by name, or read the runs that `folder` has already.

    Parameters
    ----------
    names : sequence of str
        Of `REPRODUCTIONS`.
    folder : pathlib.Path
        Gets a folder ``NAME/seed-0`` … for each run.
    seeds : int
        How many seeds, from 0.
    quick : bool
        Few epochs and looser bars.
    source : str
        See `fastpc.data.find`.
    threads : int, optional
        Results do not depend on it.
    show : bool
        Say how each run went, and draw its progress.
    """
    rows = []
    for name in names:
        target = REPRODUCTIONS[name]
        preset, bar = target.preset, target.bar
        if quick:
            preset, bar = replace(preset, epochs=min(QUICK_EPOCHS, preset.epochs)), bar - QUICK_SLACK
        runs = []
        for seed in range(seeds):
            job = Job(preset, None, source, None, seed, threads, folder / name / f"seed-{seed}")
            runs.append(_run(job, folder / name / f"seed-{seed}", f"{name}, seed {seed}", show))
        rows.append(Row(target, bar, runs))
    return rows


def _run(job: Job, folder: Path, title: str, show: bool) -> dict[str, Any] | None:
    """Return what a run measured, from its folder if it was finished there with the same settings."""
    configuration = as_plain(job.configuration)
    kept = folder / RESULT
    if (result := _read(kept)) and result["configuration"] == configuration:
        return dict(result["run"])
    # It goes first: an interrupted run must not pass for a finished one.
    kept.unlink(missing_ok=True)
    try:
        run: dict[str, Any] = as_plain(as_record(job.run(show_progress=show)))
    except DivergenceError as error:
        warn(f"{title}: {error}".rstrip("."))
        return None
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    run["metrics"] = [json.loads(line) for line in lines]
    run |= {"processor": processor(), "threads": job.threads}
    kept.write_text(json.dumps({"configuration": configuration, "run": run}) + "\n", encoding="utf-8")
    if show:
        say(f"{title}: {percent(run['test_accuracy'])} in {run['train_seconds']:.1f} s of training.")
    return run


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a finished run left; None where there is none, or half of one."""
    try:
        result: Any = json.loads(path.read_text(encoding="utf-8"))
        return {"configuration": result["configuration"], "run": result["run"]}
    except (OSError, ValueError, TypeError, KeyError):
        return None
