"""Sweeps over the errors against plain steps: the count by hand, and the comparison in small."""

import numpy as np
import pytest

from benchmarks.mnist import find
from benchmarks.solver import compare, multiplications
from fastpc.data import load_npz


def test_plain_steps_skip_what_no_error_has_reached() -> None:
    # Two products of each matrix a step, but that the first step reaches the second of two hidden layers alone.
    assert multiplications((784, 5, 4, 3), 1, "gradient") == 2 * 12
    assert multiplications((784, 5, 4, 3), 3, "gradient") == 2 * 12 + 2 * 2 * (12 + 20)


def test_sweeps_run_through_all_layers() -> None:
    assert multiplications((784, 5, 4, 3), 3, "errors") == 3 * 2 * (12 + 20)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_sweeps_come_nearer_to_the_equilibrium_in_half_the_multiplications(activation: str) -> None:
    train, test = load_npz(find(None))
    found = compare(activation, train.take(np.arange(6000)), test.take(np.arange(500)))
    assert found["excess ratio"] <= 1
    assert found["multiplication ratio"] <= 0.5
    assert found["sweeps cosine"] >= found["plain cosine"]
    if activation == "tanh":
        assert found["sweeps cosine"] >= 0.999
