"""``fastpc bench``: what it runs, in which environment, and what it says where it cannot run."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

import fastpc
from commands import complaint
from fastpc.cli import main
from fastpc.hardware import FORCING

Runs = list[dict[str, Any]]


def catch(monkeypatch: pytest.MonkeyPatch, code: int) -> Runs:
    """Catch the processes that would measure; they end with this exit code."""
    caught: Runs = []

    def run(arguments: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        caught.append({"arguments": arguments, **settings})
        return subprocess.CompletedProcess(arguments, code)

    monkeypatch.setattr("subprocess.run", run)
    return caught


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return catch(monkeypatch, 0)


def test_it_records_in_a_fresh_process_that_keeps_nothing(runs: Runs) -> None:
    assert main(["bench", "A64", "B", "--quick", "--threads", "2", "--python", "other"]) == 0
    (run,) = runs
    assert run["arguments"][1:] == [
        *("-m", "benchmarks", "record", "A64", "B", "--parts", "--out", "-"),
        *("--quick", "--threads", "2", "--python", "other"),
    ]
    assert (Path(run["cwd"]) / "benchmarks" / "record.py").is_file()


def test_paths_are_those_of_the_caller(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "--data", "my.npz", "--out", "speed.json"]) == 0
    arguments = runs[0]["arguments"]
    assert arguments[arguments.index("--data") + 1] == str(tmp_path / "my.npz")
    assert arguments[arguments.index("--out") + 1] == str(tmp_path / "speed.json")


def test_nothing_forces_blas_there(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FORCING:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert main(["bench"]) == 0
    environment = runs[0]["env"]
    assert not set(FORCING) & set(environment)
    assert environment["PYTHONPATH"].split(":") == [str(runs[0]["cwd"]), "elsewhere"]


def test_its_exit_code_is_that_of_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    catch(monkeypatch, 2)
    assert main(["bench", "no such workload"]) == 2


def test_an_installed_wheel_has_no_benchmarks_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fastpc, "__file__", str(tmp_path / "site-packages" / "fastpc" / "__init__.py"))
    assert main(["bench"]) == 2
    assert "expected fastpc's benchmarks beside the package, got none in" in complaint(capsys)


@pytest.mark.parametrize("arguments", [["Z9"], ["A64", "--data", "nowhere.npz"]])
def test_what_cannot_be_measured_is_wrong_use(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert "benchmarks: expected " in capfd.readouterr().err
