"""A batch in parts: the parts' sums add up to the batch's, by one tree, whoever holds which part."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from fastpc import PC, SGD
from fastpc.data import as_dataset
from fastpc.distributed import DistributedSession
from fastpc.engine.distributed import LEAVES
from fastpc.ranks import Alone
from on_engine import data_of, distance, network_of
from strategies import Case, make_case

RULE = PC(steps=4, step_size=0.1)


class Pretended(Alone):
    """One rank of several, whose neighbours never answer; what it would have sent is kept."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.sent: list[Any] = []

    def sum(self, numbers: Any) -> None:
        self.sent.append(numbers.copy())


def parts_of(case: Case, size: int, threads: int = 1) -> list[Any]:
    """Return the sums over a whole batch that each of `size` ranks sends."""
    parts = []
    for rank in range(size):
        ranks, n = Pretended(rank, size), len(case.x)
        session = DistributedSession(RULE, network_of(case), SGD(0.1), n, threads, ranks)
        session.bind(as_dataset(*data_of(case)))
        session.run(np.arange(n, dtype=np.int64), np.ones(1))
        parts.append(ranks.sent[0])
    return parts


def tree_of(parts: list[Any]) -> Any:
    """Add neighbours, then neighbours of these, and so on."""
    while len(parts) > 1:
        parts = [one + other for one, other in zip(parts[::2], parts[1::2], strict=True)]
    return parts[0]


SIZES = [(1, 1), (3, 2), (61, 64, 10), (15, 16, 17, 5), (130, 33, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES)
@settings(max_examples=8)
@given(n=st.integers(1, 150), ranks=st.integers(1, 10), seed=st.integers(0, 9))
def test_the_parts_add_up_to_the_gradient(sizes, dtype, n, ranks, seed):
    case = make_case(sizes, ("tanh",) * (len(sizes) - 2), dtype=dtype, batch_size=n, seed=seed)
    total = sum(part.astype(np.float64) for part in parts_of(case, ranks))
    network = (case.weights, case.biases, case.activations, case.loss)
    relaxed = naive.relax(*network, case.x, case.target, RULE.steps, 0.1)
    weights, biases = naive.weight_gradient(*network, relaxed.states, case.target)
    layout = network_of(case).layout
    ours = [-array / n for array in (*layout.weights(total), *layout.biases(total))]
    assert distance(ours, [*weights, *biases]) <= (1e-10 if dtype == "float64" else 2e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 3, 8, 33, 64, 131])
@pytest.mark.parametrize("sizes", SIZES)
def test_2_4_and_8_ranks_hold_subtrees_of_what_one_holds(sizes, n, dtype):
    case = make_case(sizes, ("tanh",) * (len(sizes) - 2), dtype=dtype, batch_size=n)
    (whole,) = parts_of(case, 1)
    for size in (2, 4, LEAVES):
        assert np.array_equal(tree_of(parts_of(case, size)), whole)


def test_any_number_of_threads_sums_the_same_bits():
    case = make_case((61, 64, 10), ("tanh",), batch_size=131)
    (one,), (three,) = parts_of(case, 1), parts_of(case, 1, threads=3)
    assert one.tobytes() == three.tobytes()
