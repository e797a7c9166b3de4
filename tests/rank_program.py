"""Runs of several kinds, to be started on any number of ranks: ``python rank_program.py FILE``.

The first rank writes what every run ended with. `trained` is also what the tests call in one process, without MPI.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastpc import PC, SGD, Adam, AdamW, PCNetwork, Trainer, load_digits
from fastpc.data import Dataset, Shuffle
from fastpc.errors import FastPCError
from fastpc.rules import ZIL, Backprop, ErrorPC, FixedPrediction, Nudge, Rule

SIZES = (64, 21, 17, 10)
SAMPLES = 203  # four batches of 50, and one of 3
BATCH = 50


@dataclass(frozen=True)
class Kind:
    rule: Rule
    optimizer: Any = field(default_factory=lambda: Adam(1e-3, epsilon=1e-4))
    dtype: str = "float64"
    batch: int = BATCH
    samples: int = SAMPLES
    epochs: int = 2
    weighted: bool = False
    loss: str = "squared_error"


AUTO = PC(steps=4, step_size="auto")
KINDS = {
    "pc": Kind(AUTO),
    "pc in float32": Kind(AUTO, dtype="float32"),
    "one batch in float32": Kind(PC(steps=4), SGD(0.1), "float32", batch=100, samples=100, epochs=1),
    "batches smaller than the ranks": Kind(AUTO, batch=3, samples=10),
    "clipped": Kind(AUTO, SGD(0.1, momentum=0.9, clip_norm=0.05)),
    "nudged": Kind(PC(steps=4, nudge=Nudge("centred", beta=0.5)), AdamW(1e-3, epsilon=1e-4), loss="cross_entropy"),
    "random start, until at rest": Kind(PC(steps=9, start="random", tolerance=0.02)),
    "sweeps over the errors": Kind(PC(steps=4, solver="errors")),
    "weighted": Kind(AUTO, weighted=True),
    "epc": Kind(ErrorPC(steps=4)),
    "fpa": Kind(FixedPrediction(steps=4)),
    "zil": Kind(ZIL()),
    "backprop": Kind(Backprop()),
}


def data_of(kind: Kind) -> tuple[Dataset, Dataset]:
    train, test = load_digits()
    weights = 1.0 + np.arange(kind.samples) % 3 if kind.weighted else None
    part = train.take(np.arange(kind.samples))
    return Dataset(part.inputs, part.targets, 10, "digits", part.scale, sample_weight=weights), test


def trained(kind: Kind, communicator: Any = None, threads: int = 1) -> dict[str, Any]:
    """Return what a run ends with, as arrays."""
    train, test = data_of(kind)
    trainer = Trainer(
        PCNetwork(SIZES, "tanh", kind.loss, kind.dtype), kind.rule, kind.optimizer, kind.batch, threads=threads,
        communicator=communicator,
    )  # fmt: skip
    history = trainer.fit(train, test, epochs=kind.epochs)
    found = {
        "parameters": trainer.network.parameters,
        "energies": np.array([record.energy for record in history.epochs]),
        "accuracies": np.array([(r.accuracy, r.validation_accuracy, r.samples) for r in history.epochs], float),
        "loss": np.array(trainer.evaluate(test).loss),
    }
    if communicator is not None:
        session: Any = trainer._session
        found["last sum"] = session._total
    return found


def diverging(communicator: Any) -> dict[str, str]:
    """Train on data of which one sample, of the second rank, cannot be learned from; return every rank's error."""
    train, _ = data_of(KINDS["pc"])
    targets = np.eye(10)[train.targets]
    targets[Shuffle(SAMPLES, 0).order(0)[BATCH + 40], 3] = 1e200  # in the second batch, near its end
    trainer = Trainer(PCNetwork(SIZES, "tanh", dtype="float64"), AUTO, batch_size=BATCH, communicator=communicator)
    try:
        trainer.fit(Dataset(train.inputs, targets, scale=train.scale))
    except FastPCError as error:
        return {"error": str(error), "finite": str(np.isfinite(trainer.network.parameters).all())}
    return {"error": "none", "finite": ""}


def main() -> None:
    from mpi4py import MPI

    communicator, file = MPI.COMM_WORLD, Path(sys.argv[1])
    arrays = {}
    for name, kind in KINDS.items():
        for key, array in trained(kind, communicator).items():
            arrays[f"{name}/{key}"] = array
    again = trained(KINDS["pc in float32"], communicator, threads=2)
    arrays["again/parameters"] = again["parameters"]
    digests = communicator.gather({name: float(np.sum(array)) for name, array in arrays.items()})
    errors = communicator.gather(diverging(communicator))
    if communicator.rank == 0:
        assert all(digest == digests[0] for digest in digests), "all ranks end with the same"
        np.savez(file, **arrays)
        file.with_suffix(".json").write_text(json.dumps(errors))


if __name__ == "__main__":
    main()
