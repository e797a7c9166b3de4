"""What a recording measures, and that benchmarks stay out of the tests."""

import subprocess
import sys

import pytest

from benchmarks import mnist, processes, record
from benchmarks.__main__ import main
from benchmarks.errors import BenchmarkError
from benchmarks.measure import samples_of
from benchmarks.workloads import WORKLOADS

EVERYWHERE = dict.fromkeys(("fastpc", "numpy", "numpy-notebook", "tensorflow", "keras", "jax"), sys.executable)


def test_fastpc_and_everyone_else_are_measured_on_every_workload():
    found = record.cases(record.TABLE, EVERYWHERE, quick=False)
    assert {workload for workload, name in found if name == "fastpc"} == {*record.TABLE, *record.BACKPROP}
    assert ("N64", "numpy-notebook") in found
    assert ("A64-backprop", "keras") in found
    assert ("B-backprop", "jax") in found
    assert len(found) == len(set(found))


def test_a_quick_recording_has_all_of_ours_and_some_of_theirs():
    found = record.cases(record.TABLE, EVERYWHERE, quick=True)
    assert {workload for workload, name in found if name == "fastpc"} == {*record.TABLE, *record.BACKPROP}
    assert {workload for workload, name in found if name == "jax"} == set(record.COMPARED_QUICKLY)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", record.TABLE)
def test_runs_are_whole_batches_and_no_longer_than_an_epoch(name, quick):
    n = samples_of(WORKLOADS[name], quick)
    assert n == 60_000 or n % WORKLOADS[name].batch_size == 0
    assert 4 * WORKLOADS[name].batch_size <= n <= 60_000


def test_what_fell_into_a_slow_moment_is_measured_again_whatever_its_figure_says():
    found = [
        {"workload": "A64", "handover_ns": 200.0, "steady": True, "fraction": 0.9},
        {"workload": "B", "handover_ns": 45.0, "steady": True, "fraction": 0.1},
        {"workload": "P", "handover_ns": 60.0, "steady": False, "fraction": 0.7},
        {"workload": "W", "handover_ns": None, "steady": False, "fraction": 0.5},  # a baseline
    ]
    first, asked = list(found), []

    def measure(workload):
        asked.append(workload)
        slow = asked.count("A64") == 1 and workload == "A64"
        return {"workload": workload, "handover_ns": 190.0 if slow else 50.0, "steady": True, "fraction": 0.4}

    replaced = record.measure_again(found, 45.0, measure)
    assert asked == ["A64", "P", "A64"]
    assert [item["workload"] for item in replaced] == ["A64", "P", "A64"]
    assert replaced[:2] == [first[0], first[2]]
    assert found[1] is first[1]
    assert found[3] is first[3]
    assert [found[i]["fraction"] for i in (0, 2)] == [0.4, 0.4]


def test_a_machine_that_stays_slow_is_measured_again_a_few_times_only():
    slow = {"workload": "A64", "handover_ns": 200.0, "steady": True}
    assert len(record.measure_again([slow], 45.0, lambda _: dict(slow), turns=3)) == 3


def test_a_process_says_its_result_on_its_last_line(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    code = (
        "import os; print('noise'); print('[%d, %d]' % ('OPENBLAS_CORETYPE' in os.environ, os.environ['MORE'] == '1'))"
    )
    assert processes.run(["-c", code], more={"MORE": "1"}) == [0, 1]


def test_a_process_that_fails_is_an_error_with_its_last_words():
    with pytest.raises(BenchmarkError, match="exit code 3: no luck"):
        processes.run(["-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])


def test_wrong_use_is_one_sentence_and_exit_code_2(capsys):
    assert main(["record", "Z"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks: expected workloads among A64")


def test_data_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BenchmarkError, match="expected MNIST"):
        mnist.find(None, {mnist.VARIABLE: str(tmp_path)})
    (tmp_path / "mnist.npz").touch()
    assert mnist.find(None, {mnist.VARIABLE: str(tmp_path)}) == tmp_path / "mnist.npz"


def test_pytest_alone_collects_no_benchmark():
    arguments = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(arguments, cwd=mnist.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "tests/benchmarks/test_record.py" in done.stdout
    assert "\nbenchmarks/" not in done.stdout
