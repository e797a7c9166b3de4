"""A word to those who wait while kernels compile, or go on with a run."""

import threading
from pathlib import Path
from typing import Any

from fastpc.cli.options import say

PATIENCE = 1.0
"""Seconds. Kernels that are on disk are loaded in less, and nobody needs to be told."""

MESSAGE = "Compiling kernels for this machine, once; this takes some seconds …"


class CompileNotice:
    """Says so when kernels take time to be ready: a context, or a callback of the `Trainer`."""

    def __init__(self) -> None:
        self._timer = threading.Timer(PATIENCE, say, [MESSAGE])
        self._timer.daemon = True

    def __enter__(self) -> "CompileNotice":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def on_compile(self, trainer: Any, data: Any) -> None:
        """Start to wait."""
        self._timer.start()

    def on_fit_begin(self, trainer: Any) -> None:
        """All is ready."""
        self._timer.cancel()


class ResumeNotice:
    """A callback of the `Trainer` that says where a run goes on, or that it is finished."""

    def __init__(self, folder: Path, epochs: int) -> None:
        self._folder, self._epochs = folder, epochs

    def on_fit_begin(self, trainer: Any) -> None:
        """Look at how far the run has come."""
        done = len(trainer.history.epochs)
        if done == self._epochs:
            say(f"The run in {self._folder} is finished: nothing is left to train.")
        else:
            say(f"Going on in {self._folder} with epoch {done + 1} of {self._epochs}.")
