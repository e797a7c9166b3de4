"""The live line of a training run: epoch, speed, energy, accuracy, time left."""

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fastpc.cli.output import duration, percent

SECONDS_BETWEEN_FRAMES = 0.1


class ProgressLine:
    """A callback of the `Trainer` that draws on the terminal, on standard error.

    It draws only from within the trainer's own calls, at most ten times a second: a thread that
    redraws by itself would take a core from the kernels now and then.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[speed]} samples/s"),
            TextColumn("energy {task.fields[energy]}"),
            TextColumn("accuracy {task.fields[accuracy]}"),
            TextColumn("{task.fields[left]} left"),
            console=console or Console(stderr=True),
            auto_refresh=False,
            transient=True,
            expand=True,
        )
        self._task = self._progress.add_task("", total=1, epoch="-", speed="-", energy="-", accuracy="-", left="-")
        self._next_frame = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_fit_begin(self, trainer: Any) -> None:
        """Begin to draw, now that the kernels are ready."""
        self._progress.start()

    def on_chunk(self, trainer: Any, progress: Any) -> None:
        """Show where the run is."""
        now = time.monotonic()
        if now < self._next_frame:
            return
        self._next_frame = now + SECONDS_BETWEEN_FRAMES
        self._progress.update(
            self._task,
            total=progress.epochs * progress.batches,
            completed=(progress.epoch - 1) * progress.batches + progress.batch,
            epoch=f"{progress.epoch}/{progress.epochs}",
            speed=thousands(progress.samples_per_second),
            energy=f"{progress.energy:.4f}",
            accuracy=percent(progress.accuracy),
            left=duration(progress.seconds_left),
            refresh=True,
        )


def thousands(value: float) -> str:
    """Write a number in few characters, so that the bar has room on a terminal of 80 columns."""
    return f"{value / 1000:,.0f}k" if value >= 10_000 else f"{value:,.0f}"


def is_terminal() -> bool:
    """Return whether there is somebody to draw for: standard error is no pipe and no file."""
    return sys.stderr is not None and sys.stderr.isatty()
