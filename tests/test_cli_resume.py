"""``fastpc train --resume``, in this process; tests/test_kills.py has runs that were really killed."""

import json
from pathlib import Path

import numpy as np
import pytest

from commands import complaint, run_json
from fastpc import Checkpoint, PCNetwork, Trainer, load_digits
from fastpc.cli import main
from fastpc.cli.run import RunFolder
from fastpc.history import EpochRecord

TRAIN = ("train", "--hidden", "16", "--epochs", "2", "--checkpoint-every", "10")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of digits."""
    path = tmp_path / "data.npz"
    train, test = load_digits()
    np.savez(path, x_train=train.inputs, y_train=train.targets, x_test=test.inputs, y_test=test.targets)
    return path


def test_data_named_by_a_relative_path_are_found_from_anywhere(capsys, monkeypatch, tmp_path, data):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    trained = run_json(capsys, *TRAIN, "--data", data.name, "--out", "run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    resumed = run_json(capsys, "train", "--resume", "../run")
    assert resumed["parameters_sha256"] == trained["parameters_sha256"]
    assert resumed["test_accuracy"] == trained["test_accuracy"]


def test_data_that_changed_are_refused(capsys, tmp_path, data):
    run_json(capsys, *TRAIN, "--data", str(data), "--out", str(tmp_path / "run"))
    model = (tmp_path / "run" / "model.safetensors").read_bytes()
    arrays = dict(np.load(data))
    arrays["x_train"][3, 3] += 1
    np.savez(data, **arrays)
    assert main(["train", "--resume", str(tmp_path / "run")]) == 2
    assert "checkpoint.safetensors: expected training data " in complaint(capsys)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == model


@pytest.mark.parametrize(
    "options",
    [
        ("--direction", "unsupervised", "--steps", "2", "--momentum", "0.5"),
        ("--rule", "notebook", "--step-size", "auto"),
        ("--residual", "--scaling", "mupc", "--hidden", "16,16"),
        ("--activation", "tanh,relu", "--hidden", "16,8", "--loss", "cross_entropy", "--dtype", "float64"),
        ("--preset", "pc-se", "--hidden", "16", "--activation", "tanh"),
    ],
    ids=" ".join,
)
def test_every_setting_of_a_run_is_taken_again(capsys, tmp_path, options):
    trained = run_json(capsys, *TRAIN, "--data", "digits", *options, "--out", str(tmp_path))
    resumed = run_json(capsys, "train", "--resume", str(tmp_path))
    timed = {name for name in trained if "seconds" in name or "per_second" in name}
    assert {**resumed, **dict.fromkeys(timed)} == {**trained, **dict.fromkeys(timed)}


def test_a_damaged_checkpoint_is_wrong_use_and_touches_nothing(capsys, tmp_path):
    run_json(capsys, *TRAIN, "--data", "digits", "--out", str(tmp_path))
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["train", "--resume", str(tmp_path)]) == 2
    assert f"{path}: expected to be a whole safetensors file" in complaint(capsys)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_checkpoint_of_a_program_of_one_s_own_is_left_to_that_program(capsys, tmp_path):
    train, _ = load_digits()
    Trainer(PCNetwork((64, 10))).fit(train, checkpoint=Checkpoint(tmp_path, every=100))
    assert main(["train", "--resume", str(tmp_path)]) == 2
    assert "Trainer.resume" in complaint(capsys)


def test_a_new_run_takes_the_place_of_an_older_one_s_checkpoint(capsys, tmp_path):
    run_json(capsys, *TRAIN, "--data", "digits", "--out", str(tmp_path))
    run_json(capsys, *TRAIN[:-2], "--data", "digits", "--out", str(tmp_path))
    assert not (tmp_path / "checkpoint.safetensors").exists()
    assert main(["train", "--resume", str(tmp_path)]) == 0
    assert "is finished" in capsys.readouterr().err


def test_metrics_that_cannot_be_written_are_written_with_the_next_ones(capsys, monkeypatch, tmp_path):
    def full(self: RunFolder, record: EpochRecord) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "add_metrics", full)
    assert main([*TRAIN, "--data", "digits", "--out", str(tmp_path), "--quiet"]) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert len(warnings) == 1
    assert "the metrics of epoch 1 could not be written" in warnings[0]
    assert [json.loads(line)["epoch"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == [1, 2]
