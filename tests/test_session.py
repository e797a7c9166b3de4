"""Sessions: what a trainer needs of a rule at work, on the engine."""

import time
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from fastpc.data import Dataset, as_dataset
from fastpc.engine.train import train_chunk
from fastpc.errors import ConfigurationError
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.rules import PC, Rule
from fastpc.session import ChunkResult, EngineSession, Failure
from fastpc.spectrum import first_step
from strategies import make_case

SIZES = (7, 21, 5, 4)
SAMPLES, BATCH = 40, 16
FACTORS = np.ones(3)  # batches of 16, 16 and 8


def make_network() -> PCNetwork:
    case = make_case(SIZES, ("tanh", "gelu"), seed=1)
    network = PCNetwork(SIZES, case.activations, dtype="float64")
    network.weights = case.weights
    network.biases = case.biases
    return network


def make_data() -> Dataset:
    case = make_case(SIZES, ("tanh", "gelu"), batch_size=SAMPLES, seed=1)
    return as_dataset(case.x, case.labels, n_classes=4)


def make_session(
    rule: PC | None = None, optimizer: Optimizer | None = None, network: PCNetwork | None = None, threads: int = 1
) -> EngineSession:
    """Return a session that is bound to data and ready to run."""
    session = EngineSession(rule or PC(steps=3), network or make_network(), optimizer or Adam(0.01), BATCH, threads)
    session.bind(make_data())
    return session


ORDER = np.arange(SAMPLES)


def everything(session: EngineSession) -> list[Any]:
    """Return all that a run changes, as bytes and numbers."""
    return [array.tobytes() for array in session.snapshot().values()]


class TestRun:
    def test_measures_every_batch(self):
        session = make_session(optimizer=SGD(1e-12))
        result = session.run(ORDER, FACTORS)
        data, network = make_data(), make_network()
        assert result.failure is None
        assert result.correct is not None
        assert result.energies.shape == (3, 3)
        for batch in range(3):
            samples = data.take(ORDER[batch * BATCH : (batch + 1) * BATCH])
            energy = network.energy(samples, rule=PC(steps=3))
            np.testing.assert_allclose(result.energies[batch], energy, rtol=1e-9)
            assert result.correct[batch] == np.sum(network.predict(samples) == samples.targets)

    def test_trains_the_network_in_place(self):
        network = make_network()
        before, parameters = network.parameters.copy(), network.parameters
        make_session(network=network).run(ORDER, FACTORS)
        assert network.parameters is parameters
        assert not np.array_equal(parameters, before)

    def test_samples_may_come_in_any_order_and_more_than_once(self):
        order = np.array([3, 3, 39, 0] * 4)
        energies = make_session(optimizer=SGD(1e-12)).run(order, np.ones(1)).energies[0]
        expected = make_network().energy(make_data().take(order), rule=PC(steps=3))
        np.testing.assert_allclose(energies, expected, rtol=1e-9)

    @pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.5), Adam(0.01), AdamW(0.01, clip_norm=0.1)])
    @pytest.mark.parametrize("rule", [PC(steps=3), PC(steps=3, step_size="auto"), PC(capped=True)])
    def test_one_call_or_many_are_the_same_to_the_last_bit(self, rule, optimizer):
        factors = np.array([1.0, 0.5, 0.25])
        at_once, one_by_one = make_session(rule, optimizer), make_session(rule, optimizer)
        at_once.run(ORDER, factors)
        for batch in range(3):
            one_by_one.run(ORDER[batch * BATCH : (batch + 1) * BATCH], factors[batch : batch + 1])
        assert everything(at_once) == everything(one_by_one)

    def test_factors_multiply_the_learning_rate(self):
        halved, slower = make_session(optimizer=SGD(0.2)), make_session(optimizer=SGD(0.1))
        halved.run(ORDER, 0.5 * FACTORS)
        slower.run(ORDER, FACTORS)
        assert everything(halved) == everything(slower)

    def test_a_factor_of_nothing_changes_no_parameter(self):
        network = make_network()
        before = network.parameters.copy()
        make_session(network=network).run(ORDER, 0 * FACTORS)
        assert np.array_equal(network.parameters, before)


class TestCompile:
    def test_changes_nothing(self):
        session = make_session()
        before = everything(session)
        assert session.compile() >= 0
        assert everything(session) == before

    def test_leaves_nothing_to_compile_for_the_run(self):
        session = make_session()
        session.compile()
        known = len(train_chunk.signatures)
        begin = time.perf_counter()
        session.run(ORDER, FACTORS)
        assert time.perf_counter() - begin < 1
        assert len(train_chunk.signatures) == known


class TestSnapshot:
    @pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.5), Adam(0.01), AdamW(0.01)])
    @pytest.mark.parametrize("rule", [PC(), PC(step_size="auto")])
    def test_restoring_and_running_again_repeats_every_bit(self, rule, optimizer):
        session = make_session(rule, optimizer)
        session.run(ORDER, FACTORS)
        snapshot, before = session.snapshot(), everything(session)
        session.run(ORDER, FACTORS)
        after = everything(session)
        assert after != before
        session.restore(snapshot)
        assert everything(session) == before
        session.run(ORDER, FACTORS)
        assert everything(session) == after

    def test_is_a_copy(self):
        session = make_session()
        snapshot = session.snapshot()
        copies = {name: array.copy() for name, array in snapshot.items()}
        session.run(ORDER, FACTORS)
        assert all(np.array_equal(snapshot[name], copies[name]) for name in copies)


class TestStateStep:
    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            (PC(step_size=0.3), lambda automatic: 0.3),
            (PC(step_size=0.3, capped=True), lambda automatic: min(0.3, automatic)),
            (PC(step_size=1e-4, capped=True), lambda automatic: 1e-4),
            (PC(step_size="auto"), lambda automatic: automatic),
        ],
        ids=["fixed", "capped", "below the cap", "auto"],
    )
    def test_begins_as_the_rule_says(self, rule, expected):
        automatic = first_step(make_network(), replace(rule, step_size="auto"))
        assert make_session(rule).state_step == pytest.approx(expected(automatic))

    @pytest.mark.parametrize("rule", [PC(step_size=0.3), PC(step_size=1e-4, capped=True)])
    def test_a_fixed_step_below_the_cap_stays(self, rule):
        session = make_session(rule)
        session.run(ORDER, FACTORS)
        assert session.state_step == rule.step_size

    def test_precisions_count(self):
        network = make_network()
        plain = PC(step_size="auto")
        heavy = replace(plain, precisions=(1.0, 4.0, 1.0))
        steps = [make_session(rule, network=network).state_step for rule in (plain, heavy)]
        assert steps[0] / steps[1] == pytest.approx(4)


class TestFailure:
    def test_tells_the_batch_within_the_chunk_and_the_first_layer(self):
        targets = np.zeros((SAMPLES, 4))
        targets[20] = 1e10
        session = EngineSession(PC(steps=1), make_network(), SGD(0.1), BATCH, 1)
        session.bind(as_dataset(make_data().inputs, targets))
        failure = session.run(ORDER, FACTORS).failure
        assert failure is not None
        assert failure.batch == 1
        assert failure.layer == 2  # one step carries the error of layer 3 one layer down
        assert "layer 2" in failure.cause

    def test_no_batch_after_it_is_run(self):
        targets = np.zeros((SAMPLES, 4))
        targets[0] = 1e10
        session = EngineSession(PC(steps=1), make_network(), SGD(0.1), BATCH, 1)
        session.bind(as_dataset(make_data().inputs, targets))
        assert not session.run(ORDER, FACTORS).energies[1:].any()

    def test_is_the_same_for_any_number_of_threads(self):
        failures = []
        for threads in (1, 2, 4):
            session = make_session(PC(steps=20, step_size=100.0), threads=threads)
            failures.append(session.run(ORDER, FACTORS).failure)
        assert failures[0] is not None
        assert failures[0] == failures[1] == failures[2]

    def test_results_are_frozen(self):
        failure = Failure(0, 1, "cause", 0.1, weights=False)
        with pytest.raises(FrozenInstanceError):
            failure.batch = 1  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            ChunkResult(np.zeros((1, 3)), np.zeros(1, np.int64), None).failure = failure  # type: ignore[misc]


def test_data_may_change_between_runs():
    session, data = make_session(), make_data()
    session.run(ORDER, FACTORS)
    session.bind(data.take(np.arange(5)))
    result = session.run(np.arange(5), np.ones(1))
    assert result.failure is None
    assert result.energies.shape == (1, 3)


def test_the_form_of_data_may_change_between_runs_and_changes_no_bit():
    """Bytes are looked up, floats of no other scale are read in place, others are copied: one workspace serves all."""
    pixels = np.random.default_rng(0).integers(0, 256, (SAMPLES, SIZES[0])).astype(np.uint8)
    pixels[pixels < 150] = 0
    labels, scale = np.arange(SAMPLES) % 4, 1 / 255
    scaled = pixels.astype(np.float64) * scale
    forms = [
        Dataset(pixels, labels, 4, scale=scale),
        Dataset(scaled, labels, 4),
        Dataset(pixels.astype(np.float64), labels, 4, scale=scale),
        Dataset(pixels, labels, 4, scale=scale),
    ]
    changing, constant = make_session(), make_session()
    for form in forms:
        for session, data in ((changing, form), (constant, forms[1])):
            session.bind(data)
            session.run(np.arange(SAMPLES), FACTORS)
    assert np.array_equal(changing.network.parameters, constant.network.parameters)


def test_buffers_are_kept_for_batches_of_one_size():
    session, data = make_session(), make_data()
    session.bind(data)
    workspace = session.workspace
    session.bind(data)
    assert session.workspace is workspace
    session.bind(data.take(np.arange(BATCH - 1)))
    assert session.workspace.batch_size == BATCH - 1


def test_csr_inputs_and_dense_ones_teach_the_same():
    from scipy.sparse import csr_array

    dense, sparse, data = make_session(), make_session(), make_data()
    sparse.bind(replace(data, inputs=csr_array(data.inputs)))
    dense.run(ORDER, FACTORS)
    sparse.run(ORDER, FACTORS)
    np.testing.assert_allclose(sparse.network.parameters, dense.network.parameters, rtol=1e-10, atol=1e-12)


def test_the_rule_opens_its_session():
    rule = PC()
    session = rule.session(make_network(), Adam(), BATCH, 1)
    assert isinstance(rule, Rule)
    assert isinstance(session, EngineSession)


def test_precisions_must_match_the_depth():
    with pytest.raises(ConfigurationError, match="expected 3 precisions, one for each layer"):
        make_session(PC(precisions=(1.0,)))


@pytest.mark.parametrize("precisions", [1.0, (1.0, 0.0, 1.0), (1.0, -1.0), ("a",), (float("nan"),)])
def test_precisions_must_be_positive_numbers(precisions):
    with pytest.raises(ConfigurationError, match="precision"):
        PC(precisions=precisions)
