"""``mpiexec -n 2 fastpc train --distributed mpi``: one voice, one folder, one end."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.kills import FILE, SETTINGS, left
from benchmarks.kills import run as alone
from fastpc.cli import main
from ranks import ROOT, environment, fastpc, mpiexec, needs_mpi, processes_of, run

TRAIN = ("train", *SETTINGS, "--hidden", "16", "--step-size", "auto", "--epochs", "3")
SHORT = ("train", "--data", "digits", "--hidden", "16", "--validation", "0.1", "--epochs", "2", "--json")
LONG = ("train", "--data", "digits", "--hidden", "16", "--epochs", "1000000", "--distributed", "mpi")


def begun(out: Path, ranks: int = 2) -> subprocess.Popen[str]:
    """Begin a run without end, and return once it has trained some epochs."""
    command = mpiexec(ranks, "-m", "fastpc", *LONG, "--out", str(out))
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=-1, stderr=-1, text=True)
    metrics, until = out / "metrics.jsonl", time.monotonic() + 120
    while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


@needs_mpi
class TestTwoRanks:
    def test_they_print_one_result_and_it_is_one_rank_s(self):
        results = []
        for ranks in (1, 2):
            done = fastpc(ranks, *SHORT)
            assert done.returncode == 0, done.stderr
            (line,) = done.stdout.splitlines()
            results.append(json.loads(line))
        measured = ("parameters_sha256", "test_accuracy", "test_loss", "train_accuracy", "validation_accuracy")
        assert [results[1][name] for name in measured] == [results[0][name] for name in measured]
        plain = alone(*SHORT)
        assert abs(json.loads(plain.stdout)["test_accuracy"] - results[0]["test_accuracy"]) <= 0.003

    @pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2), (2, 2)])
    def test_a_checkpoint_goes_on_on_another_number_of_ranks(self, tmp_path, before, after):
        folders = whole, killed = tmp_path / "whole", tmp_path / "killed"
        assert fastpc(1, *TRAIN, "--quiet", "--out", str(whole)).returncode == 0
        place = ("-m", "benchmarks.kills", "after batches", "100")
        ended = run(before, *place, *TRAIN, "--quiet", "--out", str(killed), "--distributed", "mpi")
        assert ended.returncode != 0
        resumed = fastpc(after, "train", "--resume", str(killed))
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stderr.count("Going on in") == 1
        one, other = map(left, folders)
        for name in ("model", "configuration", "position", "session.moment.1", "session.moment.2", "session.vectors"):
            assert one[name] == other[name], name
        for ours, theirs in zip(other["metrics"], one["metrics"], strict=True):
            assert ours.pop("energy") == pytest.approx(theirs.pop("energy"), rel=1e-12)
            assert ours == theirs

    def test_a_checkpoint_goes_on_without_mpi(self, tmp_path):
        place = ("-m", "benchmarks.kills", "after batches", "100")
        run(2, *place, *TRAIN, "--quiet", "--out", str(tmp_path), "--distributed", "mpi")
        resumed = alone("train", "--resume", str(tmp_path), "--json")
        assert resumed.returncode == 0, resumed.stderr
        assert json.loads(resumed.stdout.splitlines()[-1])["epochs"] == 3

    @pytest.mark.parametrize("rank", [0, 1])
    def test_a_rank_that_is_killed_ends_the_others_at_once(self, tmp_path, rank):
        process = begun(tmp_path)
        ranks = processes_of(process.pid)
        assert sorted(ranks) == [0, 1]
        Path(f"/proc/{ranks[rank]}").stat()
        begin = time.monotonic()
        subprocess.run(["kill", "-KILL", str(ranks[rank])], check=True)
        _, said = process.communicate(timeout=300)
        assert time.monotonic() - begin < 20
        assert process.returncode == 9, said
        assert "Traceback" not in said
        assert not any(Path(f"/proc/{pid}").exists() for pid in ranks.values())

    def test_a_rank_that_is_told_to_end_ends_all_with_a_checkpoint(self, tmp_path):
        process = begun(tmp_path)
        subprocess.run(["kill", "-TERM", str(processes_of(process.pid)[1])], check=True)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 128 + signal.SIGTERM, said
        assert said.count("fastpc: terminated.") == said.count("To go on:") == 1
        assert "Traceback" not in said
        assert (tmp_path / FILE).exists()

    def test_a_run_that_diverges_says_so_once(self):
        done = fastpc(2, "train", "--data", "digits", "--optimizer", "sgd", "--lr", "1e12", "--quiet")
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if "Compiling" not in line]
        assert line.startswith("fastpc: training diverged in epoch 1, batch ")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("--rule", "ipc"), "got IncrementalPC; take one of PC, ErrorPC, FixedPrediction, ZIL, Backprop"),
            (("--out", "/proc/nowhere"), "expected --out to be a folder"),
            (("--data", "/nowhere.npz"), "/nowhere.npz"),
            (("--layers", "3,4"), "expected "),
            (("--epochs", "-1"), "expected "),
            (("--no-such-option",), "--no-such-option"),
        ],
    )
    def test_wrong_use_is_one_sentence(self, arguments, says):
        done = fastpc(2, "train", *(("--data", "digits") if "--data" not in arguments else ()), *arguments)
        assert done.returncode == 2, done.stderr
        (line,) = done.stderr.splitlines()
        assert says in line

    def test_batches_smaller_than_the_ranks(self):
        done = fastpc(3, "train", "--data", "digits", "--hidden", "4", "--epochs", "1", "--batch-size", "2", "--json")
        assert done.returncode == 0, done.stderr

    def test_without_mpiexec_there_is_one_rank(self):
        done = alone("train", "--data", "digits", "--hidden", "16", "--epochs", "1", "--distributed", "mpi", "--quiet")
        assert done.returncode == 0, done.stderr


def test_without_mpi4py_it_says_what_to_install():
    program = "import sys; sys.modules['mpi4py'] = None; from fastpc.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ("train", "--data", "digits", "--distributed", "mpi")
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("fastpc: expected mpi4py.MPI for --distributed mpi, got none that can be imported")
    assert done.stderr.rstrip().endswith("install fastpc[mpi].")


def test_there_is_no_other_way(capsys):
    assert main(["train", "--data", "digits", "--distributed", "gloo"]) == 2
    assert "expected --distributed to be one of mpi, got 'gloo'" in capsys.readouterr().err


def test_a_plain_run_knows_nothing_of_mpi():
    program = (
        "import sys; from fastpc.cli import main; main(sys.argv[1:]);"
        "print([name for name in sys.modules if 'mpi4py' in name or name == 'fastpc.distributed'])"
    )
    arguments = ("train", "--data", "digits", "--hidden", "4", "--epochs", "1", "--quiet")
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
