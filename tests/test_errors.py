"""Errors say what happened in one sentence, and fit Python's own hierarchy."""

import pickle

import pytest

from fastpc.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    DivergenceError,
    FastPCError,
)


def divergence(layer: int | None = 2) -> DivergenceError:
    return DivergenceError("the weights are no longer finite", 1, 3, layer, "lower the step size")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (ConfigurationError, ValueError),
        (DataError, ValueError),
        (DivergenceError, ArithmeticError),
        (CheckpointError, Exception),
    ],
)
def test_every_error_is_ours_and_also_pythons(error: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(error, FastPCError)
    assert issubclass(error, builtin)


def test_divergence_says_where_why_and_what_to_do() -> None:
    assert str(divergence()) == (
        "training diverged in epoch 1, batch 3, layer 2: the weights are no longer finite; lower the step size"
    )
    assert "layer" not in str(divergence(layer=None))


def test_divergence_survives_pickling_so_that_worker_processes_can_raise_it() -> None:
    copy = pickle.loads(pickle.dumps(divergence()))
    assert vars(copy) == vars(divergence())
    assert str(copy) == str(divergence())
