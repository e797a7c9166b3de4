"""Killed by SIGKILL wherever it hurts, and resumed by another process: the same bytes as if nobody had."""

import json
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from benchmarks.kills import FILE, PLACES, ROOT, SETTINGS, differences, kill_at_random, left, run
from limits import largest_file

TRAIN = ("train", *SETTINGS, "--hidden", "16", "--step-size", "auto", "--epochs", "3", "--quiet")
BATCHES = -(-1293 // 16)  # of an epoch


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves that nobody kills."""
    folder = tmp_path_factory.mktemp("expected")
    assert run(*TRAIN, "--out", str(folder)).returncode == 0
    return left(folder)


@pytest.mark.parametrize(
    ("place", "count"),
    [
        ("after batches", 1),
        ("after batches", BATCHES + 30),
        ("after batches", 3 * BATCHES),
        ("after epochs", 1),
        *((place, 9) for place in PLACES if "save" in place),
    ],
)
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(tmp_path, expected, place, count):
    killed = run(*TRAIN, "--out", str(tmp_path), place=(place, count))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    resumed = run("train", "--resume", str(tmp_path))
    assert resumed.returncode == 0, resumed.stderr
    assert differences(left(tmp_path), expected) == []
    names = {path.name for path in tmp_path.iterdir()} - {"curves.png"}  # where matplotlib is installed
    assert names == {FILE, "model.safetensors", "config.toml", "metrics.jsonl"}


def test_resuming_a_finished_run_says_so_and_tells_its_result(tmp_path, expected):
    results = []
    for arguments in ((*TRAIN, "--out", str(tmp_path)), ("train", "--resume", str(tmp_path))):
        ended = run(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        results.append(json.loads(ended.stdout.splitlines()[-1]))
    assert "finished" in ended.stderr
    measured = ("parameters_sha256", "test_accuracy", "test_loss", "train_accuracy", "validation_accuracy", "energy")
    assert [results[1][name] for name in measured] == [results[0][name] for name in measured]
    assert differences(left(tmp_path), expected) == []


def test_a_finished_run_without_a_checkpoint_is_finished_too(tmp_path):
    small = ("train", "--data", "digits", "--hidden", "16", "--epochs", "1", "--quiet")
    assert run(*small, "--out", str(tmp_path)).returncode == 0
    again = run("train", "--resume", str(tmp_path))
    assert again.returncode == 0
    assert "is finished" in again.stderr


def test_killed_at_random(tmp_path):
    """A few times; ``python -m benchmarks reliability`` does it a hundred times, by several rules."""
    tally = kill_at_random("pc", 3, tmp_path, epochs=20)
    assert tally.kills == 3
    assert tally.runs >= 1
    assert tally.different == []


def test_killed_before_the_first_checkpoint_there_is_nothing_to_resume(tmp_path):
    assert run(*TRAIN, "--out", str(tmp_path), place=("in a save, not renamed", 1)).returncode == -signal.SIGKILL
    resumed = run("train", "--resume", str(tmp_path))
    assert resumed.returncode == 2
    assert "expected to be a file, got none" in resumed.stderr


@pytest.mark.parametrize(
    ("number", "code", "every"),
    [(signal.SIGINT, 130, ()), (signal.SIGTERM, 143, ("--checkpoint-every", "1000000"))],
)
def test_signals_end_a_run_with_a_checkpoint_and_say_where(tmp_path, number, code, every):
    command = [sys.executable, "-m", "fastpc", "train", "--data", "digits", "--hidden", "16", "--epochs", "1000000"]
    with subprocess.Popen([*command, "--out", str(tmp_path), *every], cwd=ROOT, stderr=-1, text=True) as process:
        metrics = tmp_path / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 5):
            time.sleep(0.01)
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
    assert process.returncode == code
    assert "Traceback" not in said
    assert str(tmp_path / "model.safetensors") in said
    assert f"fastpc train --resume {tmp_path}" in said
    assert (tmp_path / FILE).exists()
    lines = len(metrics.read_text().splitlines())
    resumed = run("train", "--resume", str(tmp_path), place=("after epochs", lines + 3))
    assert resumed.returncode == -signal.SIGKILL
    assert f"epoch {lines + 1} of 1000000" in resumed.stderr
    assert [json.loads(line)["epoch"] for line in metrics.read_text().splitlines()] == list(range(1, lines + 4))


class TestFullDisk:
    """Files that may not grow beyond some size, as on a full disk."""

    def test_the_run_goes_on_and_the_checkpoint_before_stays(self, tmp_path, expected):
        assert run(*TRAIN, "--out", str(tmp_path), place=("after batches", 30)).returncode == -signal.SIGKILL
        before = (tmp_path / FILE).read_bytes()
        with largest_file(len(before) // 2):
            full = run("train", "--resume", str(tmp_path), "--quiet")
        assert full.returncode == 0, full.stderr
        assert "free some space" in full.stderr
        assert (tmp_path / FILE).read_bytes() == before
        assert not list(tmp_path.glob(".*"))
        # The model is smaller, and had room.
        assert (tmp_path / "model.safetensors").read_bytes() == expected["model"]
        assert run("train", "--resume", str(tmp_path), "--quiet").returncode == 0
        assert differences(left(tmp_path), expected) == []

    def test_no_room_for_the_model_either(self, tmp_path, expected):
        assert run(*TRAIN, "--out", str(tmp_path), place=("after batches", 30)).returncode == -signal.SIGKILL
        with largest_file(1000):
            full = run("train", "--resume", str(tmp_path), "--quiet")
        assert full.returncode == 1
        assert "free some space" in full.stderr.splitlines()[-1]
        assert run("train", "--resume", str(tmp_path), "--quiet").returncode == 0
        assert differences(left(tmp_path), expected) == []


def test_what_would_change_a_run_s_course_is_refused_beside_resume(tmp_path):
    for option in (("--epochs", "5"), ("--data", "digits"), ("--out", str(tmp_path)), ("--checkpoint-every", "3")):
        refused = run("train", "--resume", str(tmp_path), *option)
        assert refused.returncode == 2
        assert f"expected --resume alone, as the run has its settings, got {option[0]};" in refused.stderr


def test_checkpoints_need_a_folder():
    refused = run("train", "--data", "digits", "--checkpoint-every", "3")
    assert refused.returncode == 2
    assert "expected --out with --checkpoint-every" in refused.stderr
