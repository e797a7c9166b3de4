"""What an estimator keeps of every epoch, and when it has seen enough."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.history import EpochRecord
from fastpc.trainer import Trainer


class Watch:
    """A callback that stops training once nothing improves, as scikit-learn's networks do.

    Parameters
    ----------
    tol : float
        An epoch that improves by less counts as none.
    patience : int
        Training stops when more epochs than this, in a row, were none.
    score : function, optional
        Returns the score on data held out. The network then ends with the parameters that scored best; without it, the
        training energy counts, and the network ends where it is.
    verbose : bool
        Print a line after every epoch.
    """

    def __init__(self, tol: float, patience: int, score: Callable[[], float] | None, verbose: bool) -> None:
        self.tol, self.patience, self.score, self.verbose = tol, patience, score, verbose
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best = -np.inf
        self.waited = 0
        self.converged = False
        self._best_parameters: NDArray[Any] | None = None

    def on_epoch_end(self, trainer: Trainer, record: EpochRecord) -> None:
        """Keep what the epoch measured, and stop if it was one too many."""
        self.losses.append(sum(record.energy))
        value = -self.losses[-1]
        if self.score is not None:
            value = self.score()
            self.scores.append(value)
        self.waited = self.waited + 1 if value < self.best + self.tol else 0
        if value > self.best:
            self.best = value
            if self.score is not None:
                self._best_parameters = trainer.network.parameters.copy()
        if self.verbose:
            held_out = "" if self.score is None else f", validation score = {value:.6f}"
            sys.stdout.write(f"Iteration {record.epoch}, energy = {self.losses[-1]:.8f}{held_out}\n")
        self.converged = trainer.stop_training = self.waited > self.patience

    def on_fit_end(self, trainer: Trainer, history: object) -> None:
        """Go back to the parameters that scored best."""
        if self._best_parameters is not None:
            trainer.network.parameters[:] = self._best_parameters
