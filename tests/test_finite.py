"""Whatever finite numbers go in, finite ones come out, or a DivergenceError: of every rule and every question."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from every_rule import RULES, assert_finite, everything, makes_images, network_for
from fastpc import SGD, Adam, BidirectionalPC, Dataset, DivergenceError, Trainer
from fastpc.optimizers import Optimizer
from fastpc.rules import TileRule

SIZES = (9, 6, 5, 3)  # images first
OPTIMIZERS = (SGD(0.1), SGD(1e-30), SGD(1e20, clip_norm=1.0), SGD(0.5, momentum=0.9), Adam(0.01), Adam(1e20))
EXTREMES = (0.0, -0.0, 1e-45, -1e-40, 1e-20, -1.0, 1.0, 255.0, 1e10, -1e19, 1e30, -3e38)


def numbers(shape: tuple[int, ...]) -> st.SearchStrategy[NDArray[np.float32]]:
    """Arrays of one kind: usual ones, one number everywhere, or extremes here and there."""

    @st.composite
    def draw_array(draw: st.DrawFn) -> NDArray[np.float32]:
        kind = draw(st.sampled_from(["usual", "constant", "mixed"]))
        random = np.random.default_rng(draw(st.integers(0, 99)))
        size = draw(st.sampled_from([1e-30, 1e-3, 1.0, 1.0, 1.0, 100.0, 1e10]))
        array = (size * random.normal(size=shape)).astype(np.float32)
        if kind == "constant":
            array[:] = draw(st.sampled_from(EXTREMES))
        elif kind == "mixed":
            chosen = random.random(shape) < 0.3
            array[chosen] = random.choice(np.array(EXTREMES, np.float32), int(chosen.sum()))
        return array

    return draw_array()


@st.composite
def ordeals(draw: st.DrawFn) -> tuple[Dataset, NDArray[np.float32] | None, Optimizer, int]:
    """Draw data, weights if not the usual ones, an optimiser and a seed."""
    samples = draw(st.sampled_from([1, 2, 17, 40]))
    labels = np.random.default_rng(samples).integers(0, SIZES[-1], samples)
    images = draw(numbers((samples, SIZES[0])))
    weights = draw(st.none() | st.none() | numbers((11,)))
    optimizer = draw(
        st.sampled_from(
            [SGD(0.1), SGD(1e-30), SGD(1e20, clip_norm=1.0), SGD(0.5, momentum=0.9), Adam(0.01), Adam(1e20)]
        )
    )
    return Dataset(images, labels, SIZES[-1]), weights, optimizer, draw(st.integers(0, 3))


def finite_or_the_error(ask: Callable[[], Any]) -> None:
    """Ask, and look at the answer."""
    try:
        answer = ask()
    except DivergenceError as error:
        answer = []
        require(error.advice and error.epoch is None)
    for array in answer:
        assert np.isfinite(array).all()


def require(holds: object) -> None:
    assert holds


def questions(network: Any, name: str, rule: Any, data: Dataset) -> dict[str, Callable[[], Any]]:
    """Return everything that can be asked of a network with these images and labels."""
    images, labels = data.inputs, data.targets
    if name == "bpc":
        assert isinstance(rule, BidirectionalPC)
        return {
            "predict": lambda: [network.predict(images)],
            "predict_proba": lambda: [network.predict_proba(images)],
            "generate": lambda: [network.generate(labels)],
            "relax": lambda: [array for side in network.relax(data, rule=rule) for array in parts_of(side)],
            "energy": lambda: network.energy(data, rule=rule),
            "gradient": lambda: [network.gradient(data, rule=rule)],
        }
    if makes_images(name):
        return {
            "generate": lambda: [network.generate(labels)],
            "recognise": lambda: [network.recognise(images)],
            "infer": lambda: [network.infer(images, prior=1.0)],
            "reconstruct": lambda: [network.reconstruct(images)],
            "sample": lambda: [network.sample(3)],
        }
    own = rule if isinstance(rule, TileRule) else None
    return {
        "forward": lambda: [network.forward(images)],
        "predict": lambda: [network.predict(images)],
        "predict_proba": lambda: [network.predict_proba(images)],
        "relax": lambda: parts_of(network.relax(data, rule=own)),
        "energy": lambda: [network.energy(data, rule=own), network.energy(data)],
        "gradient": lambda: [array for part in network.gradient(data, rule=own) for array in part],
    }


def parts_of(relaxed: Any) -> list[Any]:
    return [*relaxed.states, *relaxed.errors, relaxed.energy]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
@settings(max_examples=10)
@given(ordeal=ordeals())
def test_finite_numbers_or_the_error(name: str, dtype: str, ordeal: Any) -> None:
    data, weights, optimizer, seed = ordeal
    loss = "cross_entropy" if seed % 2 and not makes_images(name) else "squared_error"
    network = network_for(name, dtype, loss, SIZES)
    if weights is not None:
        network.parameters[:] = np.resize(weights, network.n_parameters)
    rule = RULES[name]("auto" if seed < 2 else 0.3)
    asked = questions(network, name, rule, data)
    for ask in asked.values():
        finite_or_the_error(ask)
    trainer = Trainer(network, rule, optimizer, 16, seed=seed)
    try:
        trainer.fit(data, data, epochs=2)
    except DivergenceError as error:
        require(error.advice and error.epoch and error.batch)
    assert_finite(everything(trainer))
    for record in trainer.history.epochs:
        assert np.isfinite([*record.energy, record.state_step, record.learning_rate]).all()
    finite_or_the_error(lambda: [trainer.evaluate(data).loss])
    for ask in asked.values():
        finite_or_the_error(ask)
