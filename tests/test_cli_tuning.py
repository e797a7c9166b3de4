"""``fastpc tune``: processes that share a study, what a search leaves, and what is refused."""

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console

from commands import complaint, run_json
from fastpc.cli import main
from fastpc.cli.app import app
from fastpc.cli.tuning import words
from fastpc.cli.tuning_line import TuningLine, said_of
from fastpc.tuning import Row
from fastpc.tuning.space import SEARCHABLE

pytest.importorskip("optuna")

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    *("tune", "--data", "digits", "--rule", "pc", "--width", "8:16", "--search", "lr,batch_size,width"),
    *("--epochs", "2", "--trials", "5"),
)
"""A search of a second or two."""
LONG = (*SMALL, "--epochs", "25", "--trials", "8", "--quiet", "--pruner", "none")


def started(*arguments: str) -> subprocess.Popen[str]:
    # In a session of its own, so that signals to its group are for it alone.
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "fastpc", *arguments],
        env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def trials(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "trials.csv").read_text().splitlines()))


def wait_for(folder: Path, process: subprocess.Popen[str], state: str, count: int) -> None:
    """Wait until so many trials of the folder's study are in a state."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            with sqlite3.connect(f"file:{folder / 'study.db'}?mode=ro", uri=True, timeout=30) as database:
                (found,) = database.execute("select count(*) from trials where state = ?", (state,)).fetchone()
        except sqlite3.OperationalError:
            found = 0  # not made yet
        if found >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} trials got {state}")


def alike(folder: Path) -> list[tuple[str, ...]]:
    """Return what does not depend on the clock or the process."""
    left_out = ("seconds", "worker")
    return [tuple(value for name, value in row.items() if name not in left_out) for row in trials(folder)]


def test_two_processes_on_one_study_share_its_trials_without_loss(tmp_path):
    arguments = (*SMALL, "--trials", "13", "--out", str(tmp_path), "--threads", "1")
    workers = [started(*arguments, "--quiet") for _ in range(2)]
    results = [ended(worker) for worker in workers]
    assert [code for code, _, _ in results] == [0, 0], results
    with sqlite3.connect(tmp_path / "study.db") as database:
        numbers = database.execute("select number, state from trials where number < 13").fetchall()
        beyond = database.execute("select state from trials where number >= 13").fetchall()
        took_part = database.execute(
            "select count(distinct value_json) from trial_user_attributes where key = 'worker'"
        ).fetchone()
    assert sorted(number for number, _ in numbers) == list(range(13))
    assert {state for _, state in numbers} <= {"COMPLETE", "PRUNED"}
    assert {state for (state,) in beyond} <= {"WAITING"}
    assert took_part == (2,)
    assert {out for _, out, _ in results} == {results[0][1]}  # both tell the whole study's result


def test_two_jobs_of_one_process_do_too(tmp_path):
    code, out, err = ended(started(*SMALL, "--trials", "9", "--jobs", "2", "--out", str(tmp_path), "--json"))
    assert code == 0, err
    told = json.loads(out)
    assert [trial["number"] for trial in told["trials"]] == list(range(9))
    assert sum(told["counts"].values()) == told["counts"]["complete"] + told["counts"].get("pruned", 0) == 9
    assert len({trial["worker"] for trial in told["trials"]}) == 2


def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert ended(started(*LONG, "--out", str(one)))[0] == 0
    process = started(*LONG, "--out", str(two))
    wait_for(two, process, "COMPLETE", 3)
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    assert ended(started(*LONG, "--out", str(two)))[0] == 0
    assert alike(two) == alike(one)
    assert (two / "best.toml").read_bytes() == (one / "best.toml").read_bytes()


def test_of_two_jobs_one_may_be_killed(tmp_path):
    process = started(*LONG, "--trials", "6", "--jobs", "2", "--out", str(tmp_path))
    wait_for(tmp_path, process, "RUNNING", 2)
    with sqlite3.connect(tmp_path / "study.db", timeout=30) as database:
        query = "select value_json from trial_user_attributes where key = 'worker' and value_json != '\"\"'"
        worker = json.loads(database.execute(query).fetchone()[0])
    os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)
    code, _, err = ended(process)
    assert code == 0, err
    assert [row["outcome"] for row in trials(tmp_path)] == ["complete"] * 6


@pytest.mark.parametrize(
    ("number", "code", "jobs"), [(signal.SIGINT, 130, "1"), (signal.SIGTERM, 143, "1"), (signal.SIGINT, 130, "2")]
)
def test_signals_keep_everything_and_say_how_to_go_on(tmp_path, number, code, jobs):
    process = started(*LONG, "--jobs", jobs, "--trials", "100", "--out", str(tmp_path))
    wait_for(tmp_path, process, "COMPLETE", 2)
    os.killpg(process.pid, number)  # as a terminal sends Ctrl-C
    returned, _, err = ended(process)
    assert returned == code, err
    assert "of 100 trials finished; to go on, give the same command again" in err
    outcomes = Counter(row["outcome"] for row in trials(tmp_path))
    assert outcomes["complete"] >= 2
    assert set(outcomes) <= {"complete", "waiting"}
    assert (tmp_path / "best.toml").exists()


def test_the_best_trial_becomes_a_configuration_that_reproduces_it(tmp_path, capsys):
    found = run_json(capsys, *SMALL, "--out", str(tmp_path), "--seed", "3", "--validation", "0.2")
    best = tmp_path / "best.toml"
    trained = run_json(capsys, "train", "--config", str(best))
    assert trained["validation_accuracy"] == found["validation_accuracy"]
    assert trained["seed"] == 3
    said = tomllib.loads(best.read_text())
    drawn = found["trials"][found["best_trial"]]["settings"]
    assert (said["learning_rate"], said["batch_size"], said["hidden"]) == (
        drawn["lr"],
        drawn["batch_size"],
        [drawn["width"]] * 2,
    )


def test_a_search_around_a_configuration_takes_all_else_from_it(tmp_path, capsys):
    train = ("train", "--data", "digits", "--hidden", "8", "--rule", "ipc", "--epochs", "1", "--seed", "4")
    assert main([*train, "--validation", "0.3", "--out", str(tmp_path / "run"), "--quiet"]) == 0
    found = run_json(
        capsys, "tune", "--config", str(tmp_path / "run"), "--search", "lr", "--trials", "2", "--out", str(tmp_path)
    )
    assert (found["best"]["rule"], found["best"]["hidden"], found["seed"], found["validation"]) == ("ipc", [8], 4, 0.3)
    assert set(found["trials"][0]["settings"]) == {"lr"}


def test_what_a_search_leaves_and_prints(tmp_path, capsys):
    assert main([*SMALL, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "The search is done" in printed.out
    # The table breaks long names of folders over its lines.
    assert "best.toml" in re.sub(r"[\s│]", "", printed.out)
    assert printed.err.count("trial ") >= 5
    rows = trials(tmp_path)
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert {"outcome", "accuracy", "lr", "batch_size", "width", "seconds", "reason"} <= set(rows[0])
    names = {path.name for path in tmp_path.iterdir()}
    assert names - {"history.png", "slices.png", "curves.png"} == {"study.db", "trials.csv", "best.toml"}
    assert main([*SMALL, "--out", str(tmp_path), "--quiet"]) == 0  # all of it is done
    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    assert printed.out.strip().endswith("%")
    assert printed.err == ""


def test_a_search_in_which_nothing_gets_to_its_end_has_failed(tmp_path, capsys):
    search = ("tune", "--data", "digits", "--rule", "pc", "--step-size", "500,600", "--search", "step_size")
    assert main([*search, "--hidden", "8", "--trials", "2", "--out", str(tmp_path), "--quiet"]) == 1
    assert "no trial got to its end: training diverged" in capsys.readouterr().err
    assert [row["outcome"] for row in trials(tmp_path)] == ["diverged"] * 2
    assert not (tmp_path / "best.toml").exists()


def test_help_and_page_name_the_ranges_that_are_searched():
    command = typer.main.get_command(app).commands["tune"]
    shown = {parameter.name: parameter.help for parameter in command.params}
    page = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
    for name, kind in SEARCHABLE.items():
        if kind.default is None:
            assert "[default:" not in shown[name]
        else:
            assert f"[default: {kind.default}]" in shown[name]
            assert f"`{kind.default}`" in page


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--lr", "fast"), "expected --lr to be different numbers"),
        (("--steps", "8:2"), "expected --steps to be different whole numbers"),
        (("--rule", "pc,none"), "expected --rule to be one of"),
        (("--search", "nothing"), "expected --search to be one of"),
        (("--trials", "0"), "expected --trials to be a whole number"),
        (("--pruner", "all"), "expected --pruner to be one of"),
        (("--validation", "2"), "expected --validation to be a number"),
        (("--storage", "here"), "expected --storage to be the URL"),
        (("--preset", "pc-se"), "expected --search or a range with --preset"),
        (("--preset", "best", "--search", "lr"), "expected --preset to be one of"),
        (("--preset", "pc-se", "--config", "run"), "expected --preset or --config"),
        (("--config", "nowhere"), "expected a configuration in TOML"),
        (("--hidden", "8", "--depth", "1:2"), "expected --hidden or --depth"),
        (("--out", str(Path(__file__))), "expected --out to be a folder"),
        (("--trails", "3"), "No such option"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, reason):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "--data", "digits", *arguments]) == 2
    assert reason in complaint(capsys)


def test_data_that_are_not_there_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["tune", "--data", "nowhere"]) == 2
    assert "expected auto, mnist, digits, or the path" in complaint(capsys)


def test_another_search_in_the_same_folder_is_refused(tmp_path, capsys):
    assert main([*SMALL, "--trials", "1", "--out", str(tmp_path), "--quiet"]) == 0
    capsys.readouterr()
    assert main([*SMALL, "--trials", "1", "--out", str(tmp_path), "--quiet", "--seed", "7"]) == 2
    assert "study 'fastpc' was begun with, seed 0, got 7; give the same options, or another --study" in complaint(
        capsys
    )
    assert main([*SMALL, "--trials", "1", "--out", str(tmp_path), "--quiet", "--seed", "7", "--study", "b"]) == 0


def test_without_optuna_one_sentence_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.chdir(tmp_path)
    assert main(list(SMALL)) == 2
    assert "install fastpc[tune]" in complaint(capsys)
    assert not list(tmp_path.iterdir())


class TestLine:
    ROW = Row(3, "complete", 0.975, (0.9, 0.975), {"lr": 0.00123, "step_size_kind": "auto"}, 1.5, "", "here:1")

    def test_what_was_drawn_is_one_line(self):
        assert words(self.ROW.settings) == "lr 0.00123, step_size auto"
        assert words({"step_size_kind": "number", "step_size": 0.5, "steps": 3}) == "step_size 0.5, steps 3"

    def test_how_a_trial_ended_is_one_line(self):
        assert said_of(self.ROW) == "trial 3: 97.50%"
        pruned = Row(4, "pruned", None, (0.9,), {}, 1.5, "", "here:1")
        assert said_of(pruned) == "trial 4: pruned after epoch 1 at 90.00%"
        assert said_of(Row(5, "diverged", None, (), {}, 1.5, "it grew", "here:1")) == "trial 5: diverged: it grew"

    def test_it_shows_trials_the_best_and_the_epoch_and_tells_of_each_trial_once(self):
        stream = io.StringIO()
        with TuningLine(20, Console(file=stream, force_terminal=True, width=120, color_system=None)) as line:
            line.tell([self.ROW])
            line.tell([self.ROW])
            line.on_chunk(None, SimpleNamespace(epoch=2, epochs=5))
        text = stream.getvalue()
        assert text.count("trial 3: 97.50%") == 1
        for part in ("trials 1/20", "best 97.50%", "1 running", "epoch 2/5"):
            assert part in text
