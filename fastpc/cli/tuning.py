"""A search from the command line: its live line, and what it leaves in its folder."""

import csv
import io
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from fastpc import __version__
from fastpc.cli import configuration
from fastpc.cli.job import lasting
from fastpc.cli.notice import CompileNotice
from fastpc.cli.options import say, warn
from fastpc.cli.output import as_plain, percent, print_json, print_table
from fastpc.cli.tuning_line import TuningLine
from fastpc.errors import ConfigurationError
from fastpc.files import write_whole

if TYPE_CHECKING:
    from fastpc.tuning import Row, Search, Searched

BEST, TRIALS = "best.toml", "trials.csv"
PICTURES = ("history", "slices", "curves")
SHOWN = 10
"""Trials in the table; all of them are in the file."""


def run(search: "Search", source: str, *, as_json: bool, quiet: bool) -> None:
    """Search, and keep and print what was found; Ctrl-C and SIGTERM keep what there is.

    Raises
    ------
    typer.Exit
        With 1, where no trial got to its end.
    KeyboardInterrupt, SystemExit
        As `Search.run` does.
    """
    show = not quiet and not as_json
    _require_folder(search.out)
    line = TuningLine(search.trials) if show else None
    tell: Any = line.tell if line else lambda rows: None
    try:
        with line or nullcontext():
            found = search.run(tell, [line, _FirstCompile()] if line else [_FirstCompile()])
    except (KeyboardInterrupt, SystemExit):
        found = search.result()
        keep(search, found, source)
        say(f"Stopped with {found.done} of {search.trials} trials finished; to go on, give the same command again.")
        raise
    keep(search, found, source)
    if as_json:
        print_json(as_record(search, found))
    elif quiet:
        typer.echo(percent(None if found.best_trial is None else found.best_trial.accuracy))
    else:
        print_trials(found)
        print_table("The search is done" if found.done == found.asked else "The search so far", as_rows(search, found))
    if found.best is None:
        reasons = [row.reason for row in found.trials if row.reason]
        warn(f"no trial got to its end{': ' + reasons[-1].rstrip('.') if reasons else ''}")
        raise typer.Exit(1)


def keep(search: "Search", found: "Searched", source: str) -> None:
    """Write the trials, the best one's settings, and the pictures where matplotlib is installed."""
    from fastpc import plots

    write_whole(search.out / TRIALS, as_csv(found.trials).encode())
    if found.best is not None:
        configuration.write(settings_of(search, found, source), search.out / BEST)
    rows = [asdict(row) for row in found.trials if row.finished]
    if any(row["epochs"] for row in rows) and plots.available():
        figures = (plots.search_history(rows), plots.search_slices(rows), plots.search_curves(rows))
        for name, figure in zip(PICTURES, figures, strict=True):
            try:
                plots.save_figure(figure, search.out / f"{name}.png")
            except ConfigurationError as error:  # no reason to call a search failed
                warn(str(error))


def settings_of(search: "Search", found: "Searched", source: str) -> dict[str, Any]:
    """Return all that ``fastpc train --config`` needs to train the best trial again, with the same part held out."""
    assert found.best is not None
    return asdict(found.best) | {
        "data": lasting(source, search.data.name),
        "validation": search.validation,
        "seed": search.seed,
        "fastpc": __version__,
    }


def as_csv(trials: "Sequence[Row]") -> str:
    """Return a line for each trial, and a column for each setting that any of them drew."""
    names = list(dict.fromkeys(name for row in trials for name in row.settings))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["trial", "outcome", "accuracy", "epochs", "last_accuracy", "seconds", *names, "reason", "worker"])
    for row in trials:
        last = row.epochs[-1] if row.epochs else None
        drawn = [row.settings.get(name) for name in names]
        writer.writerow(
            [row.number, row.outcome, row.accuracy, len(row.epochs), last, row.seconds, *drawn, row.reason, row.worker]
        )
    return file.getvalue()


def as_record(search: "Search", found: "Searched") -> dict[str, Any]:
    """Return everything by name, for programs."""
    best = found.best_trial
    return {
        "best_trial": None if best is None else best.number,
        "validation_accuracy": None if best is None else best.accuracy,
        "best": None if found.best is None else as_plain(asdict(found.best)),
        "counts": found.counts,
        "trials": [as_plain(asdict(row)) for row in found.trials],
        "data": search.data.name,
        "validation": search.validation,
        "seed": search.seed,
        "study": search.name,
        "out": search.out,
    }


def as_rows(search: "Search", found: "Searched") -> dict[str, str]:
    """Return what people want to know, in words."""
    best = found.best_trial
    rows = {
        "best": "none" if best is None else f"trial {best.number}, {percent(best.accuracy)} of what is held out",
        "trials": ", ".join(f"{count} {outcome}" for outcome, count in found.counts.items()),
        "data": f"{search.data.name}, {len(search.parts[0]):,} to train on and {len(search.parts[1]):,} held out",
        "kept in": str(search.out),
    }
    if best is not None:
        rows["to train it"] = f"fastpc train --config {search.out / BEST}"
    return rows


def print_trials(found: "Searched") -> None:
    """Print the best trials."""
    from rich.console import Console
    from rich.table import Table

    ranked = sorted((row for row in found.trials if row.accuracy is not None), key=lambda row: -(row.accuracy or 0))
    if not ranked:
        return
    title = f"The best {SHOWN} of {len(found.trials)} trials" if len(ranked) > SHOWN else "Trials that were not pruned"
    table = Table(title=title, title_justify="left")
    for name in ("trial", "accuracy", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("settings", overflow="fold")
    for row in ranked[:SHOWN]:
        seconds = "-" if row.seconds is None else f"{row.seconds:.1f}"
        table.add_row(str(row.number), percent(row.accuracy), seconds, words(row.settings))
    Console().print(table)


def words(settings: dict[str, Any]) -> str:
    """Return what was drawn for a trial in one line; the kind of a number goes without saying."""
    shown = {name.removesuffix("_kind"): value for name, value in settings.items() if value != "number"}
    return ", ".join(f"{name} {f'{value:.3g}' if isinstance(value, float) else value}" for name, value in shown.items())


def _require_folder(folder: Path) -> None:
    """Raise unless the folder can be written to, before any time is spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"expected --out to be a folder that can be written to, got {str(folder)!r} ({error.strerror or error}); "
            "choose another folder"
        ) from error


class _FirstCompile:
    """Says that kernels compile, of the first trial for which that takes long; later ones need others, and may too."""

    def __init__(self) -> None:
        self._notice: CompileNotice | None = CompileNotice()

    def on_compile(self, trainer: Any, data: Any) -> None:
        """Start to wait."""
        if self._notice is not None:
            self._notice.on_compile(trainer, data)

    def on_fit_begin(self, trainer: Any) -> None:
        """All is ready."""
        if self._notice is not None:
            self._notice.on_fit_begin(trainer)
        self._notice = None
