"""Checkpoints: what a run keeps of itself, and what is no run's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fastpc.data import as_dataset
from fastpc.errors import CheckpointError
from fastpc.history import EpochRecord
from fastpc.optimizers import Adam
from fastpc.rules import PC, Nudge
from fastpc.schedules import Cosine
from fastpc.tensor_file import read_tensors, write_tensors
from fastpc.training_checkpoint import FORMAT, Checkpoint, RunState, data_digest, describe

MADE_FOR = {"rule": "PC()", "seed": 3, "validation data": None}
SESSION = {"parameters": np.arange(6, dtype=np.float32), "updates": np.array(7)}
HISTORY = [
    EpochRecord(1, (0.1, 1 / 3), None, None, 100, 1e-9, 0.1, float("nan")),
    EpochRecord(2, (1e300, 5e-324), 0.5, 1 / 7, 100, 2.5, 1e-4, 0.05),
]
STATE = RunState(SESSION, np.array([0.1, 0.2]), HISTORY, epochs=5, first_epoch=1, done=17, correct=40, seconds=1.25)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    made = Checkpoint(tmp_path, every=5, settings={"name": "ü", "sizes": [1, 2]})
    made.save(STATE, MADE_FOR)
    return made


class TestRoundTrip:
    def test_a_run_comes_back_as_it_was(self, checkpoint):
        found = checkpoint.load(MADE_FOR, SESSION)
        assert repr(found.history) == repr(HISTORY)  # a NaN is not equal to itself
        for name in ("epochs", "first_epoch", "done", "correct", "seconds"):
            assert getattr(found, name) == getattr(STATE, name)
        assert found.energies.tobytes() == STATE.energies.tobytes()
        assert {name: array.tobytes() for name, array in found.session.items()} == {
            name: array.tobytes() for name, array in SESSION.items()
        }

    def test_a_run_that_has_just_begun(self, checkpoint):
        begun = replace(STATE, energies=np.zeros(0), history=[], done=0, correct=None)
        checkpoint.save(begun, MADE_FOR)
        found = checkpoint.load(MADE_FOR, SESSION)
        assert (found.history, found.done, found.correct, len(found.energies)) == ([], 0, None, 0)

    def test_settings_are_found_again(self, checkpoint):
        assert Checkpoint(checkpoint.folder).kept_settings() == {"name": "ü", "sizes": [1, 2]}

    def test_more_epochs_than_a_header_could_hold(self, checkpoint):
        long = replace(STATE, history=HISTORY[1:] * 100_000)
        checkpoint.save(long, MADE_FOR)
        assert len(checkpoint.load(MADE_FOR, SESSION).history) == 100_000


def forged(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Callable[[Path], None]:
    """Return what changes description or tensors, with digests that fit."""

    def damage(path: Path) -> None:
        description, tensors = read_tensors(path, FORMAT)
        change(description, tensors)
        write_tensors(path, description, tensors)

    return damage


FORGED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a later format": ("format", forged(lambda d, t: d.update(format="fastpc checkpoint 2"))),
    "another rule": ("rule", forged(lambda d, t: d["made_for"].update(rule="PC(steps=9)"))),
    "something else it is made for": ("more", forged(lambda d, t: d["made_for"].update(more=1))),
    "no position": ("to be a training checkpoint", forged(lambda d, t: d.pop("position"))),
    "settings as text": ("to be a training checkpoint", forged(lambda d, t: d.update(settings="x"))),
    "part of a position": ("position", forged(lambda d, t: d["position"].pop("done"))),
    "no history": ("to be a training checkpoint", forged(lambda d, t: t.pop("history"))),
    "half a history": ("position and history", forged(lambda d, t: t.update(history=t["history"][:, :3]))),
    "an array too few": ("tensor session.updates", forged(lambda d, t: t.pop("session.updates"))),
    "an array too many": ("tensor session.x", forged(lambda d, t: t.update({"session.x": np.zeros(1)}))),
    "a shape": ("tensor session.parameters", forged(lambda d, t: t.update({"session.parameters": np.zeros(5)}))),
    "a dtype": ("tensor session.parameters", forged(lambda d, t: t.update({"session.parameters": np.zeros(6)}))),
    "NaN": ("tensor session.parameters", forged(lambda d, t: t.update(
        {"session.parameters": np.full(6, np.nan, np.float32)}))),
}  # fmt: skip


@pytest.mark.parametrize(("key", "damage"), FORGED.values(), ids=FORGED)
def test_what_is_no_checkpoint_of_this_run_is_an_error_that_names_it(checkpoint, key, damage):
    damage(checkpoint.path)
    with pytest.raises(CheckpointError, match=rf"checkpoint\.safetensors: expected {key}\b.*, got .*; "):
        checkpoint.load(MADE_FOR, SESSION)


def test_settings_are_described_alike_in_any_process():
    class Own:
        pass

    assert describe(Own()) == describe(Own())
    one, other = (PC(nudge=Nudge(beta=beta)) for beta in (0.1, 0.2))
    assert describe(one) != describe(other)
    assert describe(Adam()) != describe(Adam(schedule=Cosine()))


def test_data_of_one_digest_are_the_same_to_training():
    rows, labels = np.arange(12, dtype=np.uint8).reshape(4, 3), [0, 1, 0, 1]
    data = as_dataset(rows, labels)
    assert data_digest(data) == data_digest(as_dataset(rows.copy(), labels, name="another name"))
    others = [
        as_dataset(rows[::-1], labels),
        as_dataset(rows.astype(np.float32), labels),
        as_dataset(rows, labels[::-1]),
        as_dataset(rows, labels, n_classes=3),
        as_dataset(rows, labels, scale=1.0),
        as_dataset(sparse.csr_array(rows), labels),
        as_dataset(sparse.csr_array(rows[:, ::-1]), labels),
    ]
    assert len({data_digest(other) for other in (data, *others)}) == 8
