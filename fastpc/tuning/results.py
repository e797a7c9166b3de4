"""What became of a search's trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastpc.presets import Preset

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

OUTCOMES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}
FINISHED = ("complete", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class Row:
    """A trial.

    Attributes
    ----------
    number : int
        From 0.
    outcome : str
        "complete", "pruned", "diverged", "failed", "running" or "waiting".
    accuracy : float or None
        Of the held-out part, after the final epoch; of complete trials alone.
    epochs : tuple of float
        The same after each epoch.
    settings : dict
        What was drawn for it.
    seconds : float or None
        From its begin to its end, on its last worker.
    reason : str
        Why there is no accuracy, of those that diverged or failed.
    worker : str
        Host and process.
    """

    number: int
    outcome: str
    accuracy: float | None
    epochs: tuple[float, ...]
    settings: dict[str, Any]
    seconds: float | None
    reason: str
    worker: str

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.outcome in FINISHED


def row_of(trial: FrozenTrial) -> Row:
    """Return what a trial of Optuna's says."""
    reason = str(trial.user_attrs.get("reason", ""))
    outcome = OUTCOMES[trial.state.name]
    if outcome == "pruned" and reason:
        outcome = "diverged"
    return Row(
        number=trial.number,
        outcome=outcome,
        accuracy=trial.value if outcome == "complete" else None,
        epochs=tuple(trial.intermediate_values[step] for step in sorted(trial.intermediate_values)),
        settings=dict(trial.params),
        seconds=trial.user_attrs.get("seconds"),
        reason=reason,
        worker=str(trial.user_attrs.get("worker", "")),
    )


def best_of(rows: Sequence[Row]) -> Row | None:
    """Return the complete trial of the highest accuracy, of equal ones the first; None without any."""
    return max((row for row in rows if row.accuracy is not None), key=lambda row: row.accuracy or 0.0, default=None)


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes
    ----------
    trials : list of Row
        Those that were begun, in the order of their numbers.
    best : Preset or None
        All settings of the trial with the highest accuracy on the held-out part after its final epoch.
    asked : int
        How many trials there are to be.
    """

    trials: list[Row]
    best: Preset | None
    asked: int

    @property
    def best_trial(self) -> Row | None:
        """The trial of `best`."""
        return best_of(self.trials)

    @property
    def counts(self) -> Counter[str]:
        """How many trials ended how."""
        return Counter(row.outcome for row in self.trials)

    @property
    def done(self) -> int:
        """How many trials are finished."""
        return sum(row.finished for row in self.trials)
