"""Hybrid predictive coding: a guess that learns where relaxation ends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import naive
import naive_generative
from fastpc import PC, SGD, Adam, Dataset, Hybrid, PCNetwork, Trainer, load_digits
from fastpc.data import Shuffle
from fastpc.errors import ConfigurationError, DataError
from fastpc.hybrid import bottom_up
from naive import Array, Parameters
from on_engine import distance

RATE = 0.03


def in_float64(network: PCNetwork) -> Parameters:
    arrays = (network.weights, network.biases)
    return Parameters(*([np.array(array, np.float64) for array in part] for part in arrays))


def guess(up: Parameters, activations: Sequence[str], images: Array) -> list[Array]:
    """Return x_0…x_{L-1} of the generative network, as the bottom-up one guesses them."""
    states, top = naive.feedforward(*up, activations, images)
    return [top, *states[:0:-1]]


def stepped(parameters: Parameters, gradient: Parameters) -> Parameters:
    pairs = zip(parameters, gradient, strict=True)
    return Parameters(*([p - RATE * g for p, g in zip(a, b, strict=True)] for a, b in pairs))


def relaxed(down: Parameters, activations: Sequence[str], rule: Hybrid, states: list[Array], images: Array) -> Any:
    """Relax from states by the float64 reference; layer 0 moves if it has a prior."""
    network = (*down, activations, "squared_error")
    settings = (rule.steps, rule.step_size, rule.momentum, rule.precisions)
    if rule.prior is None:
        return naive.relax(*network, states[0], images, *settings, states)  # type: ignore[arg-type]
    return naive_generative.relax(*network, states, images, *settings, rule.prior)  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", [None, 0.8])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(5, 33), (5, 17, 40), (6, 19, 11, 70)])
def test_both_networks_learn_as_the_reference_s(sizes: tuple[int, ...], dtype: str, prior: float | None) -> None:
    generator = np.random.default_rng(2)
    images, labels = generator.normal(size=(37, sizes[-1])), generator.integers(0, sizes[0], 37)
    images = images.astype(dtype).astype(np.float64)
    network = PCNetwork(sizes, "tanh", dtype=dtype, seed=1)
    encoder = bottom_up(network)
    precisions = tuple(np.linspace(1, 2, len(sizes) - 1))
    rule = Hybrid(7, 0.02, 0.5, precisions=precisions, encoder=encoder, prior=prior)
    down, up, names = in_float64(network), in_float64(encoder), network.activations
    Trainer(network, rule, SGD(RATE), 16, seed=4).fit((images.astype(dtype), labels))
    order = Shuffle(37, 4).order(0)
    for first in range(0, 37, 16):
        batch = order[first : first + 16]
        states = guess(up, names[::-1], images[batch])
        if prior is None:
            states[0] = np.eye(sizes[0])[labels[batch]]
        ended = relaxed(down, names, rule, states, images[batch]).states
        gradient = naive.weight_gradient(*down, names, "squared_error", ended, images[batch], precisions)
        upward = [images[batch], *ended[:0:-1]]
        guessed = naive.weight_gradient(*up, names[::-1], "squared_error", upward, ended[0])
        down, up = stepped(down, gradient), stepped(up, guessed)
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    for made, exact in ((network, down), (encoder, up)):
        assert distance(list(made.weights), exact.weights) < tolerance
        assert distance(list(made.biases), exact.biases) < tolerance


def test_the_guess_saves_most_steps_to_the_same_residual() -> None:
    train, test = load_digits()
    network = PCNetwork((10, 48, 64), "tanh", seed=1)
    rule = Hybrid(steps=10, step_size="auto", momentum=0.5, encoder=(encoder := bottom_up(network)))
    Trainer(network, rule, Adam(3e-3), 32).fit(train, epochs=15)
    down, up, names = in_float64(network), in_float64(encoder), network.activations
    images = np.asarray(test.inputs[:100], np.float64) * test.scale
    from_zero, _ = naive.feedforward(*down, names, np.zeros((100, 10)))
    step = 0.5 / naive_generative.curvature_bound(down.weights, names, "squared_error")

    def steps_to(residual: float, states: list[Array]) -> int:
        for taken in range(2000):
            arguments = (*down, names, "squared_error", states, images)
            gradient = naive_generative.state_gradient(*arguments)
            if np.sqrt(sum(np.square(g).sum() for g in gradient) / 100) < residual:
                return taken
            states = naive_generative.relax(*arguments, 1, step).states
        raise AssertionError("never settled")

    begun = [from_zero, guess(up, names[::-1], images)]
    zero, guessed = (steps_to(0.05, states) for states in begun)
    assert guessed < 0.5 * zero


def test_evaluation_relaxes_from_the_guess() -> None:
    train, test = load_digits()
    for prior in (None, 1.0):
        network = PCNetwork((10, 20, 64), "tanh", dtype="float64", seed=1)
        encoder = bottom_up(network)
        recognition = PC(steps=4, step_size=0.03)
        rule = Hybrid(5, 0.05, encoder=encoder, prior=prior, recognition=recognition)
        trainer = Trainer(network, rule, Adam(3e-3), 64)
        trainer.fit(train, epochs=2)
        down, names = in_float64(network), network.activations
        images = np.asarray(test.inputs, np.float64) * test.scale
        states = guess(in_float64(encoder), names[::-1], images)
        ended = naive_generative.relax(
            *down, names, "squared_error", states, images, 4, 0.03, prior=prior or 0.0
        ).states  # fmt: skip
        result = trainer.evaluate(test)
        if prior is None:
            np.testing.assert_array_equal(result.predictions, ended[0].argmax(axis=1))
            assert result.accuracy == np.mean(ended[0].argmax(axis=1) == test.targets)
        else:
            again = naive.feedforward(*down, names, ended[0])[1]
            assert result.loss == pytest.approx(0.5 * np.square(again - images).sum(axis=1).mean())


def test_it_recognises_in_few_steps() -> None:
    train, test = load_digits()
    network = PCNetwork((10, 64, 64), seed=1)
    trainer = Trainer(network, Hybrid(steps=10, step_size="auto"), Adam(3e-3), 32)
    history = trainer.fit(train, epochs=15)
    assert history.epochs[-1].accuracy is not None
    assert history.epochs[-1].accuracy > 0.9
    assert (trainer.evaluate(test).accuracy or 0) > 0.85


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    train, test = load_digits()
    learned = []
    for threads in (1, 2, 3):
        network = PCNetwork((10, 33, 64), "gelu")
        encoder = bottom_up(network)
        trainer = Trainer(network, Hybrid(5, "auto", encoder=encoder), Adam(), 50, threads=threads)
        trainer.fit(train)
        found = trainer.evaluate(test).predictions
        learned.append((network.parameters.tobytes(), encoder.parameters.tobytes(), found.tobytes()))
    assert len(set(learned)) == 1


def test_labels_are_not_looked_at_where_there_is_a_prior() -> None:
    train, _ = load_digits()
    learned = []
    for labels in (train.targets, train.targets[::-1]):
        network = PCNetwork((4, 9, 64), "tanh")
        Trainer(network, Hybrid(3, 0.05, prior=1.0)).fit(Dataset(train.inputs, labels, scale=train.scale))
        learned.append(network.parameters.tobytes())
    assert len(set(learned)) == 1


@pytest.mark.parametrize("make", [
    lambda: Hybrid(prior=0),
    lambda: Hybrid(solver="errors"),
    lambda: Hybrid(start="zeros"),
    lambda: Hybrid(recognition=PC(solver="errors")),
    lambda: Trainer(PCNetwork((10, 64)), Hybrid(encoder=PCNetwork((10, 64)))).fit(load_digits()[0]),
    lambda: Trainer(PCNetwork((10, 64), loss="cross_entropy"), Hybrid()).fit(load_digits()[0]),
])  # fmt: skip
def test_what_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        make()
    assert "\n" not in str(caught.value)


def test_data_that_do_not_fit_are_refused() -> None:
    for sizes in ((64, 10), (9, 64)):
        with pytest.raises(DataError, match=r"expected .*, got .*; "):
            Trainer(PCNetwork(sizes), Hybrid()).fit(load_digits()[0])
