"""Backpropagation: the loss's own gradient."""

import numpy as np
import pytest
from hypothesis import assume, given

import naive
from fastpc import PCNetwork
from fastpc.rules import Backprop
from on_engine import data_of, distance, network_of
from strategies import MARGIN, Case, cases, make_case

LOSSES = pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])


def away_from_kinks(case: Case) -> bool:
    states, _ = naive.feedforward(*case.network[:3], case.x)
    return bool(np.all(naive.kink_distance(case.activations, states) > MARGIN))


@given(case=cases(max_hidden=3))
def test_the_gradient_is_the_chain_rule_s(case: Case) -> None:
    assume(away_from_kinks(case))
    found = network_of(case).gradient(*data_of(case), Backprop())
    exact = naive.backprop_gradient(*case.network, case.x, case.target)
    tolerance = 1e-10 if case.dtype == "float64" else 2e-4
    assert distance([*found[0], *found[1]], [*exact.weights, *exact.biases], 1e-3) <= tolerance


@LOSSES
def test_the_gradient_is_the_loss_s_by_finite_differences(loss: str) -> None:
    case = make_case((5, 7, 6, 3), ("tanh", "silu"), loss, batch_size=9)
    found = network_of(case).gradient(*data_of(case), Backprop())
    weights, biases = [w.copy() for w in case.weights], [b.copy() for b in case.biases]

    def mean_loss() -> float:
        # The states are not held: they follow the weights.
        states, _ = naive.feedforward(weights, biases, case.activations, case.x)
        energies = naive.energies(weights, biases, case.activations, loss, states, case.target)
        return float(energies.sum(axis=1).mean())

    exact = [naive.finite_differences(mean_loss, array) for array in (*weights, *biases)]
    assert distance([*found[0], *found[1]], exact) <= 1e-7


@LOSSES
@pytest.mark.parametrize("activations", [(), ("relu",), ("tanh", "sigmoid", "gelu")])
def test_the_gradient_is_tensorflow_s(loss: str, activations: tuple[str, ...]) -> None:
    tf = pytest.importorskip("tensorflow")
    case = make_case((11, *(8, 9, 7)[: len(activations)], 4), activations, loss, batch_size=13)
    variables = [tf.Variable(array) for pair in zip(case.weights, case.biases, strict=True) for array in pair]
    functions = {
        "relu": tf.nn.relu,
        "tanh": tf.tanh,
        "sigmoid": tf.sigmoid,
        "gelu": lambda x: 0.5 * x * (1 + tf.math.erf(x * 0.5**0.5)),  # tf.nn.gelu's square root of 2 is a float32
    }
    with tf.GradientTape() as tape:
        out = tf.constant(case.x)
        for l, name in enumerate((*activations, None)):
            out = out @ variables[2 * l] + variables[2 * l + 1]
            out = functions[name](out) if name else out
        if loss == "squared_error":
            losses = 0.5 * tf.reduce_sum((case.target - out) ** 2, axis=1)
        else:
            losses = tf.nn.softmax_cross_entropy_with_logits(case.target, out)
        mean = tf.reduce_mean(losses)
    exact = [part.numpy() for part in tape.gradient(mean, variables)]
    weights, biases = network_of(case).gradient(*data_of(case), Backprop())
    found = [array for pair in zip(weights, biases, strict=True) for array in pair]
    assert distance(found, exact) <= 1e-10


@LOSSES
def test_all_energy_is_the_loss_and_no_state_moves(loss: str) -> None:
    case = make_case((5, 7, 6, 3), ("tanh", "relu"), loss, batch_size=9)
    relaxed = network_of(case).relax(*data_of(case), Backprop())
    states, _ = naive.feedforward(*case.network[:3], case.x)
    energies = naive.energies(*case.network, states, case.target).mean(axis=0)
    assert relaxed.steps == 0
    assert distance([relaxed.energy], [energies[None]]) <= 1e-10
    assert distance(relaxed.states, states[1:]) <= 1e-12


def test_it_has_no_settings() -> None:
    assert Backprop() == Backprop()
    assert Backprop.name == "backprop"
    with pytest.raises(TypeError):
        Backprop(steps=3)  # type: ignore[call-arg]


def test_a_last_tile_that_is_not_full_counts_only_its_samples() -> None:
    case = make_case((5, 7, 3), ("tanh",), batch_size=33)
    network: PCNetwork = network_of(case)
    whole = network.gradient(*data_of(case), Backprop())[0]
    parts = [network.gradient(case.x[i : i + 1], case.target[i : i + 1], Backprop())[0] for i in range(33)]
    means = [sum(part[l] for part in parts) / 33 for l in range(2)]
    assert distance(whole, means) <= 1e-12
