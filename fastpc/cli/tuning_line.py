"""The live line of a search: trials done, the best so far, where the one under way is."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fastpc.cli.output import duration, percent
from fastpc.cli.progress import SECONDS_BETWEEN_FRAMES, is_terminal

if TYPE_CHECKING:
    from fastpc.tuning import Row


class TuningLine:
    """A line for every trial that ends and, on a terminal, one that lives below them; all on standard error.

    Parameters
    ----------
    trials : int
        How many there are to be.
    """

    def __init__(self, trials: int, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("trials {task.completed:.0f}/{task.total:.0f}"),
            BarColumn(bar_width=None),
            TextColumn("best {task.fields[best]}"),
            TextColumn("{task.fields[running]} running"),
            TextColumn("{task.fields[epoch]}"),
            TextColumn("{task.fields[spent]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
            expand=True,
            disable=not (console is not None or is_terminal()),
        )
        self._task = self._progress.add_task("", total=trials, best="-", running=0, epoch="", spent="0:00")
        self._told: set[int] = set()
        self._begin = time.monotonic()
        self._next_frame = 0.0

    def __enter__(self) -> "TuningLine":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, rows: "Sequence[Row]") -> None:
        """Say which trials have ended, and draw."""
        for row in rows:
            if row.finished and row.number not in self._told:
                self._told.add(row.number)
                self._console.print(said_of(row), highlight=False, markup=False, soft_wrap=True)
        best = max((row.accuracy for row in rows if row.accuracy is not None), default=None)
        self._progress.update(
            self._task,
            completed=sum(row.finished for row in rows),
            best=percent(best),
            running=sum(row.outcome == "running" for row in rows),
            spent=duration(time.monotonic() - self._begin),
            refresh=True,
        )

    def on_chunk(self, trainer: Any, progress: Any) -> None:
        """Show where the trial under way is."""
        now = time.monotonic()
        if now >= self._next_frame:
            self._next_frame = now + SECONDS_BETWEEN_FRAMES
            epoch = f"epoch {progress.epoch}/{progress.epochs}"
            self._progress.update(self._task, running=1, epoch=epoch, spent=duration(now - self._begin), refresh=True)


def said_of(row: "Row") -> str:
    """Return how a trial ended, in a line."""
    if row.outcome == "complete":
        how = percent(row.accuracy)
    elif row.outcome == "pruned":
        how = f"pruned after epoch {len(row.epochs)} at {percent(row.epochs[-1] if row.epochs else None)}"
    else:
        how = f"{row.outcome}: {row.reason}"
    return f"trial {row.number}: {how}"
