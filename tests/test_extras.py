"""What is missing is asked for in one sentence, by the extra that brings it."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fastpc import DependencyError, FastPCError, PCNetwork, TensorBoard
from fastpc.cli import main
from fastpc.data import as_tf_dataset
from fastpc.extras import load

NEEDS_TENSORFLOW = {
    "to_keras": lambda folder: PCNetwork((4, 2)).to_keras(),
    "from_keras": lambda folder: PCNetwork.from_keras(None),
    "as_tf_dataset": lambda folder: as_tf_dataset(([[1.0]], [0])),
    "the TensorBoard callback": TensorBoard,
}


def assert_is_one_sentence(error: DependencyError, missing: str, purpose: str) -> None:
    text = str(error)
    assert text.startswith(f"expected {missing} for {purpose}, got none that can be imported (")
    assert text.endswith("; install fastpc[tensorflow]")
    assert "\n" not in text
    assert isinstance(error, FastPCError)
    assert isinstance(error, ImportError)


@pytest.mark.parametrize("purpose", NEEDS_TENSORFLOW)
def test_without_tensorflow(purpose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DependencyError) as caught:
        NEEDS_TENSORFLOW[purpose](tmp_path)
    assert_is_one_sentence(caught.value, "tensorflow", purpose)


def test_with_tensorflow_but_without_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(DependencyError) as caught:
        TensorBoard(tmp_path)
    assert_is_one_sentence(caught.value, "tensorboard", "the TensorBoard callback")


def test_the_command_line_says_it_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert main(["train", "--data", "digits", "--tensorboard", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fastpc: expected tensorflow for the TensorBoard callback")


def test_what_is_there_is_imported() -> None:
    assert load("numpy", "numbers", "none") is np
