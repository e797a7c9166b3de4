"""Fixed-prediction predictive coding: the reference's errors, and backpropagation in the end."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive
import naive_feedback
from fastpc.errors import ConfigurationError
from fastpc.rules import FixedPrediction
from on_engine import data_of, distance, network_of, relax
from strategies import MARGIN, Case, cases, make_case

LOSSES = pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])


def distance_from_backprop(case: Case, rule: FixedPrediction) -> float:
    weights, biases = network_of(case).gradient(*data_of(case), rule)
    exact = naive.backprop_gradient(*case.network, case.x, case.target)
    return distance([*weights, *biases], [*exact.weights, *exact.biases])


@given(case=cases(max_hidden=3), steps=st.integers(0, 9), step_size=st.floats(0.05, 1.0))
def test_every_step_is_the_reference_s(case: Case, steps: int, step_size: float) -> None:
    states, _ = naive.feedforward(*case.network[:3], case.x)
    assume(np.all(naive.kink_distance(case.activations, states) > MARGIN))
    rule = FixedPrediction(steps, step_size)
    tolerance = 1e-10 if case.dtype == "float64" else 2e-4
    errors = naive_feedback.relax_fixed(case.network, case.x, case.target, steps, step_size)
    assert distance(relax(case, rule).errors, errors, 1e-2) <= tolerance
    exact = naive_feedback.fixed_gradient(case.network, case.x, case.target, steps, step_size)
    weights, biases = network_of(case).gradient(*data_of(case), rule)
    assert distance([*weights, *biases], [*exact.weights, *exact.biases], 1e-2) <= tolerance


@LOSSES
@pytest.mark.parametrize("activations", [(), ("tanh",), ("tanh", "gelu", "sigmoid")])
def test_it_converges_to_backpropagation(loss: str, activations: tuple[str, ...]) -> None:
    case = make_case((9, *(12, 8, 7)[: len(activations)], 4), activations, loss, batch_size=20)
    assert distance_from_backprop(case, FixedPrediction(steps=100)) <= 1e-10


def test_what_is_left_of_the_difference_falls_with_the_steps() -> None:
    case = make_case((9, 12, 4), ("tanh",), batch_size=20)
    left = [distance_from_backprop(case, FixedPrediction(steps, 0.25)) for steps in (4, 8)]
    # One hidden layer: its error is (1 - (1 - gamma)^t) of the signal.
    assert left[1] == pytest.approx(left[0] * 0.75**4)


@LOSSES
def test_a_step_of_one_is_there_after_as_many_as_hidden_layers(loss: str) -> None:
    case = make_case((9, 12, 8, 7, 4), ("tanh", "gelu", "tanh"), loss, batch_size=20)
    assert distance_from_backprop(case, FixedPrediction(steps=2, step_size=1)) > 1e-3
    assert distance_from_backprop(case, FixedPrediction(steps=3, step_size=1)) <= 1e-10


def test_energies_and_states_are_those_of_the_errors() -> None:
    case = make_case((9, 12, 8, 4), ("tanh", "gelu"), batch_size=20)
    relaxed = relax(case, FixedPrediction(steps=5, step_size=0.3))
    states, _ = naive.feedforward(*case.network[:3], case.x)
    for t in range(6):
        errors = naive_feedback.relax_fixed(case.network, case.x, case.target, t, 0.3)
        energies = [0.5 * np.sum(e**2, axis=1).mean() for e in errors]
        np.testing.assert_allclose(relaxed.energy[t], energies, rtol=1e-10, atol=1e-14)
    moved = [state + e for state, e in zip(states[1:], errors[:-1], strict=True)]
    assert distance(relaxed.states, moved) <= 1e-12
    assert relaxed.steps == 5


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"step_size": 0}, {"step_size": 1.5}, {"step_size": "auto"}])
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"FixedPrediction: expected .*, got .*; "):
        FixedPrediction(**wrong)
