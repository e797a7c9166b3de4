"""A folder for one process at a time, which a killed one leaves free."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fastpc import lock
from fastpc.cli import main
from fastpc.errors import ConfigurationError
from fastpc.lock import FILE, locked

ROOT = Path(__file__).resolve().parents[1]
HOLD = "import sys; from pathlib import Path; from fastpc.lock import locked\nwith locked(Path(sys.argv[1])):\n"
TRAIN = ("train", "--data", "digits", "--hidden", "8", "--epochs", "1", "--quiet")


def holder(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that keeps the folder until its input ends."""
    code = HOLD + "    print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_block_leaves_no_file(tmp_path):
    with locked(tmp_path):
        assert (tmp_path / FILE).read_text() == str(os.getpid())
    assert not list(tmp_path.iterdir())


def test_an_exception_frees_it(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        _ = 1 / 0
    with locked(tmp_path):
        pass


def test_another_process_is_told_who_is_there(tmp_path):
    process = holder(tmp_path)
    sentence = rf"^expected no other run in '.*', got process {process.pid} at work there; wait for its end, or"
    with pytest.raises(ConfigurationError, match=sentence), locked(tmp_path):
        pass
    process.communicate()
    with locked(tmp_path):
        pass


def test_a_killed_process_frees_it(tmp_path):
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / FILE).exists()
    with locked(tmp_path):
        pass
    assert not (tmp_path / FILE).exists()


def test_a_lock_on_a_removed_file_counts_for_nothing(tmp_path, monkeypatch):
    """One that was opened just before its holder let go, and removed it."""
    flock, taken = lock.fcntl.flock, []

    def removed_before(descriptor, operation):
        if not taken:
            (tmp_path / FILE).unlink()
        taken.append(descriptor)
        flock(descriptor, operation)

    monkeypatch.setattr(lock.fcntl, "flock", removed_before)
    with locked(tmp_path):
        assert len(taken) == 2
        assert (tmp_path / FILE).exists()


def test_where_there_are_no_locks_runs_go_on(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    with locked(tmp_path), locked(tmp_path):
        pass
    monkeypatch.setattr(lock, "fcntl", None)
    with locked(tmp_path):
        pass


def test_a_second_run_in_a_folder_is_one_sentence_and_the_first_is_whole(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main([*TRAIN, "--out", str(folder), "--checkpoint-every", "5"]) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert FILE not in before
    process = holder(folder)
    capsys.readouterr()
    for arguments in ([*TRAIN, "--out", str(folder)], ["train", "--resume", str(folder), "--quiet"]):
        assert main(arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"fastpc: expected no other run in '{folder}', got process {process.pid}")
    process.communicate()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert main(["train", "--resume", str(folder), "--quiet"]) == 0
