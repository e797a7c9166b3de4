"""Both classifiers are fitted on the same work, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mnist_in_small
from benchmarks import estimators
from benchmarks.mnist import Mnist
from benchmarks.processes import environment
from fastpc import load_digits

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", estimators.KINDS)
def test_each_learns_and_is_timed(name: str) -> None:
    train, test = load_digits()
    data = Mnist(np.asarray(train.inputs) * 15, train.targets, np.asarray(test.inputs) * 15, test.targets)
    found = estimators.fit(name, data, (32,), epochs=20, seed=0)
    assert found["seconds"] > 0
    assert found["accuracy"] > 0.8


def test_the_command_compares_them(tmp_path: Path) -> None:
    settings = ["--rounds", "1", "--epochs", "2", "--hidden", "8", "--data", str(mnist_in_small.write(tmp_path))]
    arguments = ["-m", "benchmarks", "sklearn", *settings]
    done = subprocess.run(
        [sys.executable, *arguments, "--json"],
        cwd=CHECKOUT, env=environment(), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert {len(runs) for runs in found["runs"].values()} == {1}
    ours, theirs = (runs[0]["seconds"] for runs in found["runs"].values())
    assert found["times_faster"] == pytest.approx(theirs / ours)
