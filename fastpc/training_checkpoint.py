"""Checkpoints: a training run in one file, with all that decides how it goes on."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_whole
from fastpc.files import remove_leftovers
from fastpc.history import EpochRecord
from fastpc.tensor_file import read_tensors, refusal, write_tensors

if TYPE_CHECKING:
    from fastpc.data import Dataset

FORMAT = "fastpc checkpoint 1"
FILE = "checkpoint.safetensors"
_ANOTHER = "use another copy"
# Of an epoch's row, in this order; its energies follow.
COLUMNS = (
    "epoch",
    "accuracy",
    "validation_accuracy",
    "samples",
    "train_seconds",
    "learning_rate",
    "state_step",
)


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps itself, and how often, so that another process can go on with it.

    Parameters
    ----------
    folder : str or path-like
        Made where it is missing; the file in it is ``checkpoint.safetensors``. One run a folder.
    every : int, optional
        How many batches lie between two checkpoints; one more is written as the run begins, and one as it ends. None
        writes one only where the run is stopped by SIGINT or SIGTERM.
    settings : mapping
        Anything that JSON can say, to find again in `kept_settings`.

    Raises
    ------
    ConfigurationError
        If `every` is no whole number above 0.
    """

    folder: str | PathLike[str]
    every: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.every is not None:
            require_whole("Checkpoint", "every", self.every, at_least=1)

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.folder, FILE)

    def kept_settings(self) -> dict[str, Any]:
        """Return the settings that the file was written with.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or something else's.
        """
        return dict(_read(self.path)[0]["settings"])

    def save(self, state: RunState, made_for: Mapping[str, Any]) -> None:
        """Write the file, whole or not at all; its folder is made where it is missing.

        Raises
        ------
        CheckpointError
            If it cannot be written; the one before is then still there.
        """
        with contextlib.suppress(OSError):  # writing will say so
            self.path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.path)
        tensors = {f"session.{name}": array for name, array in state.session.items()}
        tensors |= {"epoch.energies": state.energies, "history": _table(state.history)}
        description = {
            "format": FORMAT,
            "made_for": dict(made_for),
            "settings": dict(self.settings),
            "position": {name: getattr(state, name) for name in _POSITION},
        }
        write_tensors(self.path, description, tensors)

    def load(self, made_for: Mapping[str, Any], session: Mapping[str, NDArray[Any]]) -> RunState:
        """Return what the file holds, once all of it is known to fit.

        Parameters
        ----------
        made_for : mapping
            What must be as it was.
        session : mapping
            The snapshot of a session that is to go on: the file must hold arrays of the same names, dtypes and shapes.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, something else's, or another run's.
        """
        description, tensors = _read(self.path)
        kept_for = description["made_for"]
        for key in sorted({*kept_for, *made_for}):
            if kept_for.get(key) != made_for.get(key):
                remedy = "go on with the settings and the data that the run began with"
                raise refusal(self.path, key, kept_for.get(key), made_for.get(key), remedy)
        kept = {name.removeprefix("session."): array for name, array in tensors.items() if name.startswith("session.")}
        for name in sorted({*kept, *session}):
            want, have = (_kind(arrays.get(name)) for arrays in (session, kept))
            if want != have:
                raise refusal(self.path, f"tensor session.{name}", want, have, "use the release that wrote it")
            if name.endswith("parameters") and not np.isfinite(kept[name]).all():
                raise refusal(self.path, f"tensor session.{name} to be", "finite", "NaN or infinity in it", _ANOTHER)
        try:
            records, position = _records(tensors["history"]), description["position"]
            return RunState(kept, np.array(tensors["epoch.energies"]), records, **position)
        except (TypeError, ValueError, KeyError) as error:
            raise refusal(self.path, "position and history to be", "those of a run", error, _ANOTHER) from error


@dataclass
class RunState:
    """All of a run that changes as it goes.

    Attributes
    ----------
    session : mapping of arrays
        What the rule's session holds: parameters, the optimiser's memory, running vectors, counts.
    energies : ndarray of float64
        Sums of each layer's energy over the samples of the running epoch so far; empty where it begins.
    history : list of EpochRecord
        Of the epochs that are over.
    epochs, first_epoch : int
        How many this call of `Trainer.fit` trains for, and how many had been before. With the seed these are the
        state of all that is random: each epoch's order is a function of the seed and its number.
    done : int
        Batches of this call that are over: the position in the schedule and, modulo those of an epoch, in its order.
    correct : int or None
        Samples of the running epoch that were predicted rightly.
    seconds : float
        Spent on the running epoch.
    """

    session: Mapping[str, NDArray[Any]]
    energies: NDArray[np.float64]
    history: list[EpochRecord]
    epochs: int
    first_epoch: int
    done: int
    correct: int | None
    seconds: float


_POSITION = ("epochs", "first_epoch", "done", "correct", "seconds")


def describe(settings: object) -> str:
    """Return a rule, an optimiser or a network in words that are the same for the same settings in any process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(settings))


def data_digest(data: Dataset) -> str:
    """Return the SHA-256 of all that training sees of a data set."""
    inputs = data.inputs
    parts = [inputs] if isinstance(inputs, np.ndarray) else [inputs.indptr, inputs.indices, inputs.data]
    digest = hashlib.sha256(repr((data.scale, data.target_scale, data.n_classes)).encode())
    weights = [] if data.sample_weight is None else [data.sample_weight]
    for part in (*parts, data.targets, *weights):
        digest.update(f"{part.dtype} {part.shape}".encode() + np.ascontiguousarray(part).data)
    return digest.hexdigest()


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    description, tensors = read_tensors(path, FORMAT)
    parts = [description.get(name) for name in ("made_for", "settings", "position")]
    if not all(isinstance(part, dict) for part in parts) or not {"epoch.energies", "history"} <= tensors.keys():
        raise refusal(path, "to be", "a training checkpoint", "parts of one", _ANOTHER)
    return description, tensors


def _kind(array: NDArray[Any] | None) -> str:
    return "none" if array is None else f"{array.dtype} of shape {array.shape}"


def _table(history: list[EpochRecord]) -> NDArray[np.float64]:
    """Return a row of numbers for each epoch, NaN for None."""
    rows = [[np.nan if v is None else v for v in (*(getattr(r, c) for c in COLUMNS), *r.energy)] for r in history]
    return np.array(rows, np.float64).reshape(len(rows), -1 if rows else 0)


def _records(table: NDArray[np.float64]) -> list[EpochRecord]:
    records = []
    for row in table.tolist():
        values = dict(zip(COLUMNS, row, strict=False))
        for name in ("accuracy", "validation_accuracy"):
            values[name] = None if np.isnan(values[name]) else values[name]
        values |= {name: int(values[name]) for name in ("epoch", "samples")}
        records.append(EpochRecord(energy=tuple(row[len(COLUMNS) :]), **values))
    return records
