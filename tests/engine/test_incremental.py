"""States and weights that move together are those of the reference, step by step."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import naive_incremental
from fastpc.data import as_dataset
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.rules import IncrementalPC, Nudge
from fastpc.session import ChunkResult, EngineSession
from fastpc.spectrum import first_step
from naive_activations import ACTIVATIONS
from naive_nudge import SIGNS
from on_engine import data_of, distance, network_of
from strategies import Case, cases, make_case

# Moving weights carry states across kinks at any time.
SMOOTH = [name for name, activation in ACTIVATIONS.items() if not activation.kinks]
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
# Batches of one sample with large inputs bear no larger rates. Adam divides by the gradient's own size: where that is
# rounding, so is the step, unless epsilon is larger.
OPTIMIZERS = [
    SGD(2e-3),
    SGD(2e-4, momentum=0.9, weight_decay=0.01),
    SGD(2e-3, clip_norm=0.1),
    Adam(1e-3, epsilon=1e-2),
    AdamW(1e-3, weight_decay=0.1, clip_norm=0.1, epsilon=1e-2),
]


def session_of(
    case: Case, rule: IncrementalPC, optimizer: Optimizer, batch_size: int, threads: int = 1
) -> EngineSession:
    session = rule.session(network_of(case), optimizer, batch_size, threads)
    assert isinstance(session, EngineSession)
    session.bind(as_dataset(*data_of(case)))
    return session


def run(session: EngineSession, orders: list[NDArray[np.int64]]) -> list[ChunkResult]:
    """Run an epoch for every order."""
    found = []
    for epoch, order in enumerate(orders):
        session.epoch = epoch
        found.append(session.run(order, np.ones(-(-len(order) // session.batch_size))))
        assert found[-1].failure is None
    return found


def assert_like_reference(case: Case, rule: IncrementalPC, optimizer: Optimizer, batch_size: int) -> None:
    random = np.random.default_rng(case.seed)
    orders = [random.permutation(len(case.x)) for _ in range(2)]
    session = session_of(case, rule, optimizer, batch_size)
    found = run(session, orders)
    expected = naive_incremental.train(case, rule, optimizer, orders, batch_size)
    network, tolerance = session.network, TOLERANCE[case.dtype]
    weights, biases = expected.parameters
    assert distance(network.weights, weights, 1.0) < tolerance
    assert distance(network.biases, biases, 1.0) < tolerance
    for result, epoch in zip(found, expected.epochs, strict=True):
        sizes = np.minimum(batch_size, len(case.x) - batch_size * np.arange(len(result.energies)))
        energy = sizes @ result.energies / len(case.x)
        np.testing.assert_allclose(energy, epoch.energy, rtol=10 * tolerance, atol=10 * tolerance)


@given(
    case=cases(activations=SMOOTH),
    optimizer=st.sampled_from(OPTIMIZERS),
    steps=st.integers(1, 6),
    fraction=st.floats(0.05, 0.7),
    batch_size=st.integers(1, 70),
)
def test_states_and_weights_move_as_in_the_reference(case, optimizer, steps, fraction, batch_size):
    rule = IncrementalPC(steps, case.stable_step(fraction), case.precisions)
    assert_like_reference(case, rule, optimizer, batch_size)


@given(case=cases(activations=SMOOTH, max_hidden=2, max_batch=40), kind=st.sampled_from(list(SIGNS)))
def test_so_they_do_under_nudging(case, kind):
    rule = IncrementalPC(3, case.stable_step(0.5), case.precisions, Nudge(kind, 0.5, growth=0.2))
    assert_like_reference(case, rule, SGD(1e-3), 9)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "hard_tanh"])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_kinked_activations_and_sizes_of_several_blocks(activation, loss):
    case = make_case((83, 130, 45, 10), (activation,) * 2, loss, batch_size=100)
    sparse = case.x * (np.random.default_rng(0).random(case.x.shape) < 0.2)
    assert_like_reference(replace(case, x=sparse), IncrementalPC(5, 0.05), Adam(1e-3, epsilon=1e-3), 64)


def test_one_step_moves_the_last_layer_alone():
    case = make_case((5, 7, 6, 4), ("tanh", "gelu"))
    session = session_of(case, IncrementalPC(steps=1), SGD(0.1), 8)
    run(session, [np.arange(8)])
    moved = [not np.array_equal(*pair) for pair in zip(session.network.weights, case.weights, strict=True)]
    assert moved == [False, False, True]


def test_a_positive_nudge_of_one_is_no_nudge_to_the_last_bit():
    case = make_case((9, 13, 4), ("tanh",), "cross_entropy", dtype="float32", batch_size=20)
    plain, nudged = (
        session_of(case, IncrementalPC(3, nudge=nudge), Adam(1e-2), 7) for nudge in (None, Nudge("positive", 1.0))
    )
    for session in (plain, nudged):
        run(session, [np.arange(20)] * 2)
    assert np.array_equal(plain.network.parameters, nudged.network.parameters)


class TestManyBatches:
    RULES = (IncrementalPC(3), IncrementalPC(3, "auto"), IncrementalPC(2, nudge=Nudge("centred", 0.5)))
    OPTIMIZERS = (Adam(1e-2), SGD(0.05, momentum=0.9, clip_norm=0.1))
    CASE = make_case((37, 45, 21, 4), ("tanh", "relu"), dtype="float32", batch_size=100)

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    @pytest.mark.parametrize("rule", RULES)
    def test_are_the_same_in_one_call_or_many_on_any_number_of_threads(self, rule, optimizer):
        found = []
        for threads, at_once in ((1, True), (2, True), (4, True), (1, False)):
            session = session_of(self.CASE, rule, optimizer, 40, threads)
            if at_once:
                session.run(np.arange(100), np.ones(3))
            else:
                for first in range(0, 100, 40):
                    session.run(np.arange(first, min(first + 40, 100)), np.ones(1))
            found.append((session.network.parameters.tobytes(), session.updates, session.state_step))
        assert found[0][1] == 3 * rule.steps
        assert all(other == found[0] for other in found[1:])

    def test_restoring_repeats_every_bit(self):
        session = session_of(self.CASE, IncrementalPC(3, "auto"), Adam(1e-2), 40)
        session.run(np.arange(100), np.ones(3))
        snapshot, ends = session.snapshot(), []
        for _ in range(2):
            session.run(np.arange(100), np.ones(3))
            ends.append(session.network.parameters.tobytes())
            session.restore(snapshot)
        assert ends[0] == ends[1]


def test_the_automatic_step_follows_weights_that_move_in_every_step():
    case = make_case((20, 30, 25, 6), ("tanh", "tanh"), batch_size=64)
    rule = IncrementalPC(4, "auto")
    session = session_of(case, rule, Adam(3e-3), 16)
    begin = session.state_step
    run(session, [np.arange(64)] * 30)
    assert abs(session.state_step / begin - 1) > 0.1
    assert session.state_step == pytest.approx(first_step(session.network, rule), rel=0.02)


def test_divergence_is_told_with_its_batch_and_layer_on_any_number_of_threads():
    failures = []
    for threads in (1, 2, 4):
        case = make_case((7, 21, 5, 4), ("tanh", "relu"), batch_size=40)
        session = session_of(case, IncrementalPC(20, 100.0), SGD(0.1), 16, threads)
        failures.append(session.run(np.arange(40), np.ones(3)).failure)
    assert failures[0] is not None
    assert failures[0].batch == 0
    assert failures[0].state_step == 100.0
    assert failures[0] == failures[1] == failures[2]


def test_labels_and_pixels_are_learned_as_their_numbers_are():
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (30, 11), dtype=np.uint8) * (random.random((30, 11)) < 0.3)
    labels = random.integers(0, 4, 30)
    data = as_dataset(pixels.astype(np.uint8), labels, n_classes=4)
    numbers = as_dataset(pixels / 255.0, np.eye(4)[labels])
    found = []
    for samples in (data, numbers):
        session = IncrementalPC(3).session(PCNetwork((11, 8, 4), dtype="float64"), Adam(1e-2), 8, 1)
        session.bind(samples)
        session.run(np.arange(30), np.ones(4))
        found.append(session.network.parameters)  # type: ignore[attr-defined]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12, atol=1e-12)
