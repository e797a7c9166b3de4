"""Runs that are left and gone on with: the same bits as if nobody had interrupted."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc import run as run_module
from fastpc.bidirectional import BidirectionalNetwork
from fastpc.data import Dataset, load_digits
from fastpc.errors import CheckpointError, CheckpointWarning, DivergenceError
from fastpc.history import EpochRecord, History, Progress
from fastpc.network import PCNetwork
from fastpc.notebook import initial_network
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.rules import (
    PC,
    ZIL,
    Backprop,
    BidirectionalPC,
    ErrorPC,
    FixedPrediction,
    Generative,
    Hybrid,
    IncrementalPC,
    Notebook,
    Nudge,
    Rule,
    Unsupervised,
)
from fastpc.schedules import Cosine, Step
from fastpc.trainer import Trainer
from fastpc.training_checkpoint import Checkpoint

TRAIN = load_digits()[0].take(np.arange(100))
HELD_OUT = load_digits()[1].take(np.arange(50))
EPOCHS, BATCH = 3, 16  # seven batches an epoch, the last of four samples

DISCRIMINATIVE, GENERATIVE, LATENT = (64, 20, 10), (10, 20, 64), (6, 20, 64)
RULES: dict[str, tuple[Rule, tuple[int, ...]]] = {
    "pc": (PC(steps=3), DISCRIMINATIVE),
    "pc, automatic steps": (PC(steps=3, step_size="auto"), DISCRIMINATIVE),
    "pc, random starts": (PC(steps=3, start="random"), DISCRIMINATIVE),
    "pc, a nudge by turns that grows": (PC(steps=3, nudge=Nudge("centred", 0.4, 0.2)), DISCRIMINATIVE),
    "ipc": (IncrementalPC(steps=3, step_size="auto"), DISCRIMINATIVE),
    "epc": (ErrorPC(steps=2), DISCRIMINATIVE),
    "fpa": (FixedPrediction(steps=3), DISCRIMINATIVE),
    "zil": (ZIL(), DISCRIMINATIVE),
    "backprop": (Backprop(), DISCRIMINATIVE),
    "bpc": (BidirectionalPC(steps=2), DISCRIMINATIVE),
    "generative": (Generative(PC(steps=3, step_size="auto")), GENERATIVE),
    "unsupervised": (Unsupervised(steps=3, step_size="auto"), LATENT),
    "hybrid": (Hybrid(steps=3), GENERATIVE),
    "notebook": (Notebook(step_size="auto"), GENERATIVE),
}
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(0.05, schedule=Step(0.7)),
    "sgd with momentum": SGD(0.02, momentum=0.9, clip_norm=0.5),
    "adam": Adam(1e-3, schedule=Cosine(warmup=0.3)),
    "adamw": AdamW(1e-3),
}


def network_for(rule: Rule, sizes: tuple[int, ...]) -> Any:
    if isinstance(rule, Notebook):
        return initial_network(sizes[-1], sizes[0], "float32", sizes[1])
    return BidirectionalNetwork(sizes) if rule.bidirectional else PCNetwork(sizes, "tanh", seed=1)


def trainer_for(
    rule: Rule = RULES["pc"][0],
    sizes: tuple[int, ...] = DISCRIMINATIVE,
    optimizer: Optimizer | None = None,
    **more: Any,
) -> Trainer:
    return Trainer(network_for(rule, sizes), rule, optimizer or Adam(1e-3), BATCH, seed=5, **more)


def outcome(trainer: Trainer) -> dict[str, bytes]:
    """Everything a run leaves, as bytes, but for what clocks said."""
    assert trainer._session is not None
    records = [repr(replace(record, train_seconds=0.0)).encode() for record in trainer.history.epochs]
    snapshot = {name: array.tobytes() for name, array in trainer._session.snapshot().items()}
    return {**snapshot, "network": trainer.network.parameters.tobytes(), "history": b"\n".join(records)}


class Collector(Checkpoint):
    """Keeps every file that was written."""

    def save(self, *arguments: Any) -> None:
        super().save(*arguments)
        n = len(list(Path(self.folder).glob("kept-*")))
        shutil.copy(self.path, Path(self.folder) / f"kept-{n:03}")


def resumed(make: Callable[[], Trainer], folder: Path, kept: Path, **more: Any) -> Trainer:
    shutil.copy(kept, Checkpoint(folder).path)
    trainer = make()
    trainer.resume(TRAIN, HELD_OUT, checkpoint=Checkpoint(folder, **more))
    return trainer


class TestResuming:
    @pytest.mark.parametrize("name", RULES)
    def test_every_rule_ends_as_if_never_interrupted(self, tmp_path, name):
        rule, sizes = RULES[name]
        self.check(lambda: trainer_for(rule, sizes), tmp_path)

    @pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
    def test_every_optimizer_and_schedule(self, tmp_path, optimizer):
        self.check(lambda: trainer_for(optimizer=optimizer), tmp_path)

    def check(self, make: Callable[[], Trainer], folder: Path) -> None:
        """From every checkpoint, those between epochs among them."""
        uninterrupted = make()
        uninterrupted.fit(TRAIN, HELD_OUT, EPOCHS)
        saving = make()
        saving.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Collector(folder, every=4))
        assert outcome(saving) == outcome(uninterrupted)
        files = sorted(folder.glob("kept-*"))
        assert len(files) == 7  # at 0, 4, 8, 12, 16, 20 and 21 batches
        for file in files:
            assert outcome(resumed(make, folder, file)) == outcome(uninterrupted)

    @pytest.mark.parametrize("every", [1, 7, 1000])
    def test_how_often_checkpoints_are_written_changes_no_bit(self, tmp_path, every):
        plain, saving = trainer_for(), trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS)
        saving.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Collector(tmp_path, every))
        assert outcome(saving) == outcome(plain)
        assert len(list(tmp_path.glob("kept-*"))) == 2 + (EPOCHS * 7 - 1) // every

    def test_on_any_number_of_threads(self, tmp_path):
        plain = trainer_for(threads=1)
        plain.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Collector(tmp_path, every=5))
        for threads, file in zip((4, 2, 1), sorted(tmp_path.glob("kept-*"))[1:], strict=False):
            assert outcome(resumed(lambda n=threads: trainer_for(threads=n), tmp_path, file)) == outcome(plain)

    def test_in_a_trainer_that_has_trained_on_something_else(self, tmp_path):
        plain = trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Collector(tmp_path, every=5))

        def make() -> Trainer:
            used = trainer_for()
            used.fit(HELD_OUT, epochs=2)
            return used

        assert outcome(resumed(make, tmp_path, tmp_path / "kept-002")) == outcome(plain)

    def test_a_second_fit_is_resumed_as_the_second(self, tmp_path):
        plain = trainer_for()
        for folder in (None, Collector(tmp_path, every=5)):
            plain.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=folder)
        assert [record.epoch for record in plain.history.epochs] == [4, 5, 6]
        again = resumed(trainer_for, tmp_path, tmp_path / "kept-002")
        assert outcome(again) == outcome(plain)
        assert again.epochs_done == 6

    def test_a_finished_run_trains_no_further(self, tmp_path):
        plain = trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path, every=1000))
        before, calls = outcome(plain), []

        class Witness:
            def on_chunk(self, *_: object) -> None:
                calls.append(1)

        again = trainer_for(callbacks=[Witness()])
        history = again.resume(TRAIN, HELD_OUT, checkpoint=Checkpoint(tmp_path))
        assert not calls
        assert outcome(again) == before
        assert len(history.epochs) == EPOCHS

    def test_what_was_learned_and_the_time_it_took_are_counted_on(self, tmp_path):
        plain = trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Collector(tmp_path, every=7))
        seen: list[Progress] = []

        class Witness:
            def on_chunk(self, trainer: Trainer, progress: Progress) -> None:
                seen.append(progress)

        again = resumed(lambda: trainer_for(callbacks=[Witness()]), tmp_path, tmp_path / "kept-001")
        assert seen[0].epoch == 2
        assert {progress.epochs for progress in seen} == {EPOCHS}
        assert again.history.epochs[0] == plain.history.epochs[0]
        assert again.history.samples_seen == EPOCHS * len(TRAIN)


def other_data() -> Dataset:
    inputs = np.array(TRAIN.inputs)
    inputs[-1, -1] += 1
    return replace(TRAIN, inputs=inputs)


class TestRefusal:
    """A checkpoint goes on in the run it is of, and in no other; what is refused touches nothing."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        trainer_for().fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path, every=7))
        return tmp_path

    @pytest.mark.parametrize(
        ("key", "make"),
        {
            "network": lambda: trainer_for(sizes=(64, 21, 10)),
            "rule": lambda: trainer_for(PC(steps=4)),
            "optimizer": lambda: trainer_for(optimizer=Adam(2e-3)),
            "optimizer ": lambda: trainer_for(optimizer=Adam(1e-3, schedule=Cosine())),
            "batch_size": lambda: Trainer(network_for(PC(), DISCRIMINATIVE), PC(steps=3), Adam(1e-3), 17, seed=5),
            "seed": lambda: Trainer(network_for(PC(), DISCRIMINATIVE), PC(steps=3), Adam(1e-3), BATCH, seed=6),
            "network's seed": lambda: Trainer(
                PCNetwork(DISCRIMINATIVE, "tanh"), PC(steps=3), Adam(1e-3), BATCH, seed=5
            ),
        }.items(),
    )
    def test_other_settings(self, folder, key, make):
        trainer = make()
        before = trainer.network.parameters.tobytes()
        with pytest.raises(CheckpointError, match=rf"checkpoint\.safetensors: expected {key.strip()} .*, got .*; "):
            trainer.resume(TRAIN, HELD_OUT, checkpoint=Checkpoint(folder))
        assert trainer.network.parameters.tobytes() == before

    @pytest.mark.parametrize(
        ("key", "data", "held_out"),
        [
            ("training data", TRAIN.take(np.arange(99)), HELD_OUT),
            ("training data", other_data(), HELD_OUT),
            ("training data", replace(TRAIN, scale=1.0), HELD_OUT),
            ("validation data", TRAIN, None),
            ("validation data", TRAIN, TRAIN),
        ],
    )
    def test_other_data(self, folder, key, data, held_out):
        with pytest.raises(CheckpointError, match=f"expected {key} "):
            trainer_for().resume(data, held_out, checkpoint=Checkpoint(folder))

    def test_nothing_there(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors: expected to be a file, got none"):
            trainer_for().resume(TRAIN, checkpoint=Checkpoint(tmp_path))

    def test_a_network_s_file(self, folder):
        trainer_for().network.save(Checkpoint(folder).path)
        with pytest.raises(CheckpointError, match="expected format fastpc checkpoint 1, got fastpc network 1"):
            trainer_for().resume(TRAIN, HELD_OUT, checkpoint=Checkpoint(folder))

    def test_a_checkpoint_is_no_network_s_file(self, folder):
        with pytest.raises(CheckpointError, match="expected format fastpc network 1, got fastpc checkpoint 1"):
            PCNetwork.load(Checkpoint(folder).path)


class Signaller:
    """Sends this process a signal once, after a chunk or after an epoch."""

    def __init__(self, number: signal.Signals, *, epoch_ends: bool = False, again: bool = False) -> None:
        self.number, self.epoch_ends, self.again, self.sent = number, epoch_ends, again, False

    def on_chunk(self, trainer: Trainer, progress: Progress) -> None:
        if not self.epoch_ends and progress.batch >= 3:
            self.send()

    def on_epoch_end(self, trainer: Trainer, record: EpochRecord) -> None:
        if self.epoch_ends:
            self.send()

    def send(self) -> None:
        if not self.sent or self.again:
            self.sent = True
            os.kill(os.getpid(), self.number)
            if self.again:
                os.kill(os.getpid(), self.number)


class TestSignals:
    @pytest.fixture(autouse=True)
    def short_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run_module, "_FIRST_CHUNK", 1)
        monkeypatch.setattr(run_module, "_CHUNK_SECONDS", 0.0)

    @pytest.mark.parametrize("every", [None, 1000])
    @pytest.mark.parametrize("epoch_ends", [False, True])
    @pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
    def test_end_the_run_with_a_checkpoint_to_go_on_from(self, tmp_path, number, kind, epoch_ends, every):
        plain = trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS)
        stopped = trainer_for(callbacks=[Signaller(number, epoch_ends=epoch_ends)])
        before = signal.getsignal(number)
        with pytest.raises(kind) as caught:
            stopped.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path, every))
        assert kind is KeyboardInterrupt or caught.value.code == 143
        assert signal.getsignal(number) == before
        assert stopped.history.interrupted
        assert len(stopped.history.epochs) == (1 if epoch_ends else 0)
        again = trainer_for()
        again.resume(TRAIN, HELD_OUT, checkpoint=Checkpoint(tmp_path, every))
        assert outcome(again) == outcome(plain)

    def test_one_that_comes_while_a_checkpoint_is_written_is_followed_after_the_next(self, tmp_path, monkeypatch):
        save, saves = Checkpoint.save, []

        def interrupted(self: Checkpoint, *arguments: Any) -> None:
            save(self, *arguments)
            saves.append(arguments[0].done)
            if len(saves) == 3:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(Checkpoint, "save", interrupted)
        with pytest.raises(SystemExit):
            trainer_for().fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path, every=2))
        assert saves == [0, 2, 4, 5]

    def test_a_second_one_does_not_wait(self, tmp_path):
        trainer = trainer_for(callbacks=[Signaller(signal.SIGINT, again=True)])
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path))
        assert not Checkpoint(tmp_path).path.exists()


class TestTrouble:
    def test_a_checkpoint_that_cannot_be_written_on_the_way_is_a_warning(self, tmp_path, monkeypatch):
        plain, troubled = trainer_for(), trainer_for()
        plain.fit(TRAIN, HELD_OUT, EPOCHS)
        saves: list[bytes] = []
        save = Checkpoint.save

        def full(self: Checkpoint, *arguments: Any) -> None:
            if len(saves) in (2, 3):
                saves.append(self.path.read_bytes())
                raise CheckpointError("no space left")
            save(self, *arguments)
            saves.append(self.path.read_bytes())

        monkeypatch.setattr(Checkpoint, "save", full)
        with pytest.warns(CheckpointWarning, match="no space left") as warned:
            troubled.fit(TRAIN, HELD_OUT, EPOCHS, checkpoint=Checkpoint(tmp_path, every=4))
        assert len(warned) == 2
        assert saves[1] == saves[2] == saves[3]
        assert outcome(troubled) == outcome(plain)

    def test_a_folder_that_cannot_be_made_is_found_before_training(self, tmp_path):
        (tmp_path / "file").touch()
        trainer = trainer_for()
        before = trainer.network.parameters.tobytes()
        with pytest.raises(CheckpointError, match="Not a directory"):
            trainer.fit(TRAIN, epochs=EPOCHS, checkpoint=Checkpoint(tmp_path / "file" / "run", every=5))
        assert trainer.network.parameters.tobytes() == before

    def test_a_run_that_diverges_leaves_the_checkpoint_from_before(self, tmp_path):
        with pytest.raises(DivergenceError) as first:
            trainer_for(optimizer=SGD(1e9)).fit(TRAIN, epochs=EPOCHS, checkpoint=Checkpoint(tmp_path, every=1))
        again = trainer_for(optimizer=SGD(1e9))
        with pytest.raises(DivergenceError) as second:
            again.resume(TRAIN, checkpoint=Checkpoint(tmp_path, every=1))
        assert str(second.value) == str(first.value)

    def test_what_killed_processes_left_is_cleared_away(self, tmp_path):
        (tmp_path / ".checkpoint.safetensors.abcdefgh").write_bytes(b"half a file")
        (tmp_path / ".other").write_bytes(b"somebody else's")
        trainer_for().fit(TRAIN, epochs=1, checkpoint=Checkpoint(tmp_path, every=100))
        assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.safetensors", ".other"}

    def test_every_must_be_a_number_of_batches(self, tmp_path):
        for every in (0, -1, 1.5, True, "2"):
            with pytest.raises(ValueError, match="every"):
                Checkpoint(tmp_path, every)  # type: ignore[arg-type]


def test_no_epochs_is_a_finished_run(tmp_path):
    trainer = trainer_for()
    assert trainer.fit(TRAIN, epochs=0, checkpoint=Checkpoint(tmp_path, every=1)).epochs == History().epochs
    assert trainer_for().resume(TRAIN, checkpoint=Checkpoint(tmp_path)).epochs == []
