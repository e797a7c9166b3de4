"""Training in both directions: equal to the reference, to the bit on any number of threads, and good for both ends."""

from dataclasses import replace

import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

import naive_bidirectional as reference
import naive_optimizers
from bidirectional_cases import TwoWayCase, join
from fastpc import SGD, Adam, BidirectionalNetwork, BidirectionalPC, PCNetwork, Trainer
from fastpc.bidirectional_session import BidirectionalSession
from fastpc.data import Dataset, Shuffle, load_digits
from fastpc.engine.gram import uses_gram
from fastpc.errors import ConfigurationError, DataError, DivergenceError
from fastpc.optimizers import Optimizer
from fastpc.rules import PC
from fastpc.schedules import Cosine
from naive import Array, Parameters
from strategies import make_case

BATCH, SEED = 37, 3
RULE = BidirectionalPC(steps=6, step_size=0.05, alpha_discriminative=0.9, alpha_generative=0.02)
# The image pulls through its Gram matrix in the first, through its pixels in the others.
SIZES = {"wide image": (90, 6, 5, 4), "wide layers": (7, 19, 11, 4), "nothing hidden": (9, 4)}


def case_of(sizes: tuple[int, ...], loss: str = "squared_error", rule: BidirectionalPC = RULE) -> TwoWayCase:
    """A smooth float64 network and three batches of classified samples, the last one short."""
    activations = ("tanh", "gelu")[: len(sizes) - 2]
    case = make_case(sizes, activations, loss, batch_size=2 * BATCH + 5, seed=1)
    return join(replace(case, target=np.eye(sizes[-1])[case.labels]), rule)


def trainer_of(case: TwoWayCase, optimizer: Optimizer) -> Trainer:
    return Trainer(case.network, case.rule, optimizer, BATCH, seed=SEED)


def data_of(case: TwoWayCase) -> Dataset:
    return Dataset(case.up.x, case.up.labels, n_classes=case.up.sizes[-1])


def train_naively(case: TwoWayCase, optimizer: Optimizer) -> tuple[Parameters, list[Array]]:
    """Train for one epoch; return all parameters, bottom-up before top-down, and each batch's energies."""
    both, n = case.directions, len(case.up.weights)
    parameters = Parameters([*both.up.weights, *both.down.weights], [*both.up.biases, *both.down.biases])
    memory, energies = naive_optimizers.forget(parameters), []
    order = Shuffle(len(case.up.x), SEED).order(0)
    for first in range(0, len(order), BATCH):
        batch = order[first : first + BATCH]
        weights, biases = parameters
        both = reference.Directions(
            both.up._replace(weights=weights[:n], biases=biases[:n]),
            both.down._replace(weights=weights[n:], biases=biases[n:]),
        )
        assert not isinstance(case.rule.step_size, str)
        image, label = case.up.x[batch], case.up.target[batch]
        relaxed = reference.relax(both, image, label, case.rule.steps, case.rule.step_size)
        energies.append(len(batch) * np.concatenate([energy[-1] for energy in relaxed.energies]))
        up, down = reference.weight_gradient(both, relaxed.states)
        gradient = Parameters([*up.weights, *down.weights], [*up.biases, *down.biases])
        parameters, memory = naive_optimizers.step(optimizer, parameters, gradient, memory)
    return parameters, energies


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    "optimizer", [SGD(0.3, momentum=0.5, clip_norm=0.05), Adam(0.01, weight_decay=1e-3)], ids=["sgd", "adam"]
)
def test_an_epoch_is_the_reference_s(sizes: tuple[int, ...], loss: str, optimizer: Optimizer) -> None:
    case = case_of(sizes, loss)
    trainer = trainer_of(case, optimizer)
    history = trainer.fit(data_of(case))
    (weights, biases), energies = train_naively(case, optimizer)
    network = trainer.network
    assert isinstance(network, BidirectionalNetwork)
    for found, exact in (
        ([*network.recognition.weights, *network.generation.weights], weights),
        ([*network.recognition.biases, *network.generation.biases], biases),
    ):
        for ours, theirs in zip(found, exact, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)
    (epoch,) = history.epochs
    np.testing.assert_allclose(epoch.energy, np.sum(energies, axis=0) / len(case.up.x), rtol=1e-9)


def test_the_wide_image_alone_goes_through_its_gram_matrix() -> None:
    sessions = {name: RULE.session(case_of(sizes).network, Adam(), BATCH, 1) for name, sizes in SIZES.items()}
    grams = {name: bool(uses_gram.py_func(session._directions.down)) for name, session in sessions.items()}
    assert grams == {"wide image": True, "wide layers": False, "nothing hidden": False}


def test_the_automatic_step_is_half_of_what_both_directions_bound_and_follows_the_weights() -> None:
    case = case_of(SIZES["wide layers"], rule=replace(RULE, step_size="auto"))
    session = BidirectionalSession(case.rule, case.network, SGD(1e-9), BATCH, 1)
    session.bind(data_of(case))
    expected = 0.5 / reference.curvature_bound(case.directions)
    assert session.state_step == pytest.approx(expected, rel=1e-3)
    session.network.parameters[:] *= 2
    session.run(np.arange(20 * 5) % len(case.up.x), np.ones(3))
    double = [part._replace(weights=[2 * weight for weight in part.weights]) for part in case.directions]
    assert session.state_step == pytest.approx(0.5 / reference.curvature_bound(reference.Directions(*double)), rel=1e-2)


@pytest.mark.parametrize("optimizer", [Adam(2e-3, schedule=Cosine()), SGD(0.1, momentum=0.9, clip_norm=0.1)])
def test_any_number_of_threads_learns_the_same_to_the_last_bit(optimizer: Optimizer) -> None:
    train, _ = load_digits()
    found = set()
    for threads in (1, 2, 4):
        network = BidirectionalNetwork((64, 70, 33, 10), seed=1)
        trainer = Trainer(network, BidirectionalPC(steps=4), optimizer, 100, seed=2, threads=threads)
        trainer.fit(train, epochs=2)
        found.add(network.parameters.tobytes())
    assert len(found) == 1


def test_one_training_serves_both_directions() -> None:
    train, test = load_digits()
    network = BidirectionalNetwork((64, 64, 10), seed=0)
    trainer = Trainer(network, BidirectionalPC(), Adam(3e-3, schedule=Cosine()), 32)
    before = network.generate(np.arange(10))
    history = trainer.fit(train, epochs=15)
    evaluation = trainer.evaluate(test)
    assert evaluation.accuracy is not None
    assert evaluation.accuracy > 0.9
    assert history.epochs[-1].accuracy is not None
    assert sum(history.epochs[-1].energy) < 0.5 * sum(history.epochs[0].energy)

    # What it generates is nearest, of all classes' mean images, to that of the class asked for.
    images = np.asarray(train.inputs) * train.scale
    means = np.stack([images[train.targets == c].mean(axis=0) for c in range(10)])
    generated = network.generate(np.arange(10))
    distances = np.square(generated[:, None] - means).sum(axis=2)
    assert np.array_equal(distances.argmin(axis=1), np.arange(10))
    own = distances.diagonal()
    spread = np.square(means[:, None] - means).sum(axis=2)
    assert np.all(own < 0.25 * np.where(spread > 0, spread, np.inf).min(axis=1))
    assert np.all(own < 0.1 * np.square(before - means).sum(axis=1))

    # And a plain classifier that never saw a generated image tells what it is.
    judge = PCNetwork((64, 32, 10), seed=5)
    Trainer(judge, PC(steps=3, step_size=0.05), Adam(3e-3), 32).fit(train, epochs=10)
    assert np.array_equal(judge.predict(generated, scale=1.0), np.arange(10))


def test_a_state_step_beyond_the_limit_diverges_and_brings_the_weights_back() -> None:
    train, _ = load_digits()
    network = BidirectionalNetwork((64, 40, 20, 10))
    trainer = Trainer(network, BidirectionalPC(steps=40, step_size=30.0), Adam(), 64)
    before = network.parameters.copy()
    with pytest.raises(DivergenceError, match=r"layer \d.*above the stability limit.*auto") as caught:
        trainer.fit(train)
    assert np.array_equal(network.parameters, before)
    assert caught.value.layer in range(4)


def test_a_rate_beyond_all_bounds_diverges_too() -> None:
    train, _ = load_digits()
    trainer = Trainer(BidirectionalNetwork((64, 20, 10)), BidirectionalPC(), SGD(1e12), 64)
    with pytest.raises(DivergenceError, match=r"lower the learning rate|above the stability limit"):
        trainer.fit(train)


def test_a_chunk_that_is_taken_back_leaves_nothing_behind() -> None:
    case = case_of(SIZES["wide layers"], rule=replace(RULE, step_size="auto"))
    sessions = [BidirectionalSession(case.rule, case.network, Adam(), BATCH, 1) for _ in range(2)]
    for session in sessions:
        session.bind(data_of(case))
    snapshot = sessions[0].snapshot()
    sessions[0].run(np.arange(BATCH), np.ones(1))
    sessions[0].restore(snapshot)
    for session in sessions:
        session.run(np.arange(2 * BATCH), np.ones(2))
    assert np.array_equal(sessions[0].network.parameters, sessions[1].network.parameters)
    assert sessions[0].state_step == sessions[1].state_step


def test_allocations_do_not_grow_with_the_number_of_batches() -> None:
    _nrt_python.memsys_enable_stats()
    case = case_of(SIZES["wide image"], rule=replace(RULE, step_size="auto"))
    session = BidirectionalSession(case.rule, case.network, Adam(), 8, 1)
    session.bind(data_of(case))
    session.compile()

    def allocated(n_batches: int) -> int:
        before = rtsys.get_allocation_stats().alloc
        session.run(np.arange(8 * n_batches) % len(case.up.x), np.ones(n_batches))
        return int(rtsys.get_allocation_stats().alloc - before)

    assert allocated(200) == allocated(10)


@pytest.mark.parametrize(
    ("network", "rule", "wanted"),
    [
        (PCNetwork((4, 3, 2)), BidirectionalPC(), "expected a BidirectionalNetwork to train by BidirectionalPC"),
        (BidirectionalNetwork((4, 3, 2)), PC(), "expected a PCNetwork to train by PC"),
    ],
)
def test_a_rule_trains_its_own_kind_of_network(network: object, rule: object, wanted: str) -> None:
    with pytest.raises(ConfigurationError, match=wanted):
        Trainer(network, rule)  # type: ignore[arg-type]


def test_data_must_fit_both_ends() -> None:
    trainer = Trainer(BidirectionalNetwork((4, 3, 2)), BidirectionalPC())
    with pytest.raises(DataError, match="expected inputs with 4 features"):
        trainer.fit((np.zeros((5, 3)), np.zeros(5, np.int64)))
    with pytest.raises(DataError, match="expected at most 2 classes"):
        trainer.fit((np.zeros((5, 4)), np.arange(5)))


def test_settings_that_vanish_in_float32_are_refused() -> None:
    network = BidirectionalNetwork((4, 3, 2))
    with pytest.raises(ConfigurationError, match="expected alpha_generative to be a positive number in float32"):
        Trainer(network, BidirectionalPC(alpha_generative=1e-50)).fit((np.zeros((2, 4)), np.arange(2)))
