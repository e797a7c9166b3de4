"""Runs of presets, several seeds of each: kept in a folder, resumed from it, and held to their bars."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from fastpc.cli.job import Job
from fastpc.cli.options import say, warn
from fastpc.cli.output import as_plain, percent
from fastpc.cli.report import as_record
from fastpc.cli.run import read_metrics
from fastpc.errors import DivergenceError
from fastpc.hardware import processor
from fastpc.reproductions import REPRODUCTIONS, Reproduction

RESULT = "result.json"
QUICK_EPOCHS = 3
QUICK_SLACK = 0.015
"""How far below its bar a quick run's accuracy may end, an estimate: three of 25 epochs are to cost about a point, and
the rest is left for a single seed's luck."""
QUICK_FACTOR = 1.25
"""By how much a quick run's reconstruction error may be above its bar."""


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
    def values(self) -> list[float]:
        """What counts, after the final epoch, of runs that got there."""
        key = "test_loss" if self.target.by_error else "test_accuracy"
        return [float(run[key]) for run in self.runs if run is not None]

    @property
    def mean(self) -> float | None:
        """Their mean; None unless every run got there."""
        return fmean(self.values) if self.runs and None not in self.runs else None

    @property
    def seconds(self) -> float:
        """Of training, all seeds together."""
        return sum(float(run["train_seconds"]) for run in self.runs if run is not None)

    @property
    def met(self) -> bool:
        """Whether the mean reaches the bar."""
        if self.mean is None:
            return False
        return self.mean < self.bar if self.target.by_error else self.mean >= self.bar

    def shown(self, value: float | None) -> str:
        """Write a value of what counts."""
        return "-" if value is None else f"{value:.3f}" if self.target.by_error else percent(value)


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
        row = Row(target, _bar(target, source, quick=quick), [])
        for seed in range(seeds):
            path = run_folder(folder, name, seed)
            row.runs.append(run := run_of(name, seed, folder, quick=quick, source=source, threads=threads, show=show))
            if show and run is not None:
                say(f"{name}, {path.name}: {row.shown(row.values[-1])} in {run['train_seconds']:.1f} s of training.")
        rows.append(row)
    return rows


def run_folder(folder: Path, name: str, seed: int) -> Path:
    """Return where a preset's run is kept."""
    return folder / name / f"seed-{seed}"


def run_of(
    name: str, seed: int, folder: Path, *, quick: bool, source: str, threads: int | None, show: bool
) -> dict[str, Any] | None:
    """Return what one run of a preset measured, None if it diverged; see `reproduce`."""
    preset = REPRODUCTIONS[name].preset
    if quick:
        preset = replace(preset, epochs=min(QUICK_EPOCHS, preset.epochs))
    path = run_folder(folder, name, seed)
    return _run(Job(preset, None, source, None, seed, threads, path), path, show)


def _bar(target: Reproduction, source: str, *, quick: bool) -> float:
    """Return what a preset has to reach."""
    if target.bar is not None:
        return target.bar - QUICK_SLACK if quick else target.bar
    from fastpc.cli.pca import Components
    from fastpc.data import find

    train, test = find(source, warn=warn)
    error = Components(train, target.preset.latents).reconstruction_error(test)
    return error * QUICK_FACTOR if quick else error


def _run(job: Job, folder: Path, show: bool) -> dict[str, Any] | None:
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
        warn(f"{folder.parent.name}, {folder.name}: {error}".rstrip("."))
        return None
    run["metrics"] = read_metrics(folder)
    run |= {"processor": processor(), "threads": job.threads}
    kept.write_text(json.dumps({"configuration": configuration, "run": run}) + "\n", encoding="utf-8")
    return run


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a finished run left; None where there is none, or half of one."""
    try:
        result: Any = json.loads(path.read_text(encoding="utf-8"))
        return {"configuration": result["configuration"], "run": result["run"]}
    except (OSError, ValueError, TypeError, KeyError):
        return None
