"""Error-based predictive coding: backpropagation's signals first, plain predictive coding's equilibrium last."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive
import naive_errors
import naive_feedback
from fastpc import PCNetwork
from fastpc.errors import ConfigurationError
from fastpc.rules import PC, ErrorPC
from fastpc.spectrum import Spectrum
from on_engine import data_of, distance, network_of, relax, size_of
from strategies import MARGIN, Case, cases, make_case

LOSSES = pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])


@given(case=cases(max_hidden=3), steps=st.integers(0, 9), step_size=st.floats(0.05, 0.5))
def test_every_sweep_of_a_fixed_step_is_the_reference_s(case: Case, steps: int, step_size: float) -> None:
    def reference() -> naive.Relaxation:
        return naive_errors.relax_errors(
            *case.network, case.x, case.target, steps, case.precisions, step_size=step_size
        )

    clear = reference().clearance > MARGIN
    case = replace(case, x=case.x[clear], target=case.target[clear], labels=case.labels[clear])
    assume(len(case.x))
    exact = reference()
    # Not every fixed step is stable, and a sweep that diverges multiplies rounding with everything else.
    scale = size_of(case, [*exact.states, *exact.errors])
    assume(scale < 100)
    ours = relax(case, ErrorPC(steps, step_size, case.precisions))
    tolerance = 1e-10 if case.dtype == "float64" else 1e-3
    assert distance(ours.states, exact.states[1:], scale) <= tolerance
    assert distance(ours.errors, exact.errors, scale) <= tolerance
    assert distance([ours.energy], [exact.energies], scale**2) <= tolerance


@LOSSES
@pytest.mark.parametrize("activations", [(), ("tanh",), ("tanh", "gelu", "relu", "sigmoid")])
def test_the_first_sweep_s_signals_give_backpropagation_s_gradient(loss: str, activations: tuple[str, ...]) -> None:
    case = make_case((9, *(12, 8, 7, 6)[: len(activations)], 4), activations, loss, batch_size=20)
    states, _ = naive.feedforward(*case.network[:3], case.x)
    # After one sweep of step 1, an error is the signal that came down; the output's was there before.
    hidden = relax(case, ErrorPC(steps=1, step_size=1.0)).errors[:-1]
    top = relax(case, ErrorPC(steps=0)).errors[-1]
    found = naive_feedback.gradient_from(naive.activities(case.activations, states), [*hidden, top])
    exact = naive.backprop_gradient(*case.network, case.x, case.target)
    assert distance([*found.weights, *found.biases], [*exact.weights, *exact.biases]) <= 1e-10


@pytest.mark.parametrize("step_size", ["auto", 0.05])
def test_a_linear_network_ends_at_the_closed_form(step_size: Any) -> None:
    case = make_case((7, 12, 8, 4), ("identity", "identity"), precisions=(0.7, 1.5, 2.0), batch_size=11)
    ours = relax(case, ErrorPC(steps=600, step_size=step_size, precisions=case.precisions))
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions)
    assert distance(ours.states, exact[1:]) <= 1e-10


@LOSSES
@pytest.mark.parametrize("step_size", ["auto", 0.2])
def test_a_tanh_network_ends_where_the_energy_is_stationary(loss: str, step_size: Any) -> None:
    case = make_case((13, 21, 9, 7, 5), ("tanh", "tanh", "tanh"), loss, batch_size=20)
    ours = relax(case, ErrorPC(steps=500, step_size=step_size))
    gradient = naive.state_gradient(*case.network, [case.x, *ours.states], case.target)
    assert max(np.abs(part).max() for part in gradient) <= 1e-8


@LOSSES
def test_what_it_learns_is_predictive_coding_s_gradient(loss: str) -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "gelu"), loss, precisions=(0.5, 2.0, 1.5), batch_size=20)
    weights, biases = network_of(case).gradient(*data_of(case), ErrorPC(5, 0.2, case.precisions))
    states = [case.x, *relax(case, ErrorPC(5, 0.2, case.precisions)).states]
    exact = naive.weight_gradient(*case.network, states, case.target, case.precisions)
    assert distance([*weights, *biases], [*exact.weights, *exact.biases]) <= 1e-10


def test_one_sweep_reaches_the_bottom_of_a_deep_network() -> None:
    case = make_case((9, *(8,) * 20, 4), ("tanh",) * 20, batch_size=20)
    assert np.abs(relax(case, ErrorPC(steps=1)).errors[0]).max() > 0
    assert np.abs(relax(case, PC(steps=19)).errors[0]).max() == 0


def test_automatic_steps_are_those_of_pc_s_solver() -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "gelu"), batch_size=20)
    ours, same = relax(case, ErrorPC(steps=6)), relax(case, PC(steps=6, solver="errors"))
    assert all(np.array_equal(a, b) for a, b in zip(ours.states, same.states, strict=True))


def test_samples_that_have_settled_drop_out_under_a_fixed_step_too() -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "tanh"), batch_size=40)
    ours = relax(case, ErrorPC(steps=200, step_size=0.2, tolerance=1e-4))
    assert 3 < ours.steps < 200
    exact = naive_errors.relax_errors(*case.network, case.x, case.target, 200, None, 1e-4, 0.2)
    assert distance(ours.states, exact.states[1:]) <= 1e-4


def test_a_sample_does_not_depend_on_its_company() -> None:
    case = make_case((13, 21, 9, 5), ("relu", "gelu"), batch_size=45)
    network, rule = network_of(case), ErrorPC(steps=6, step_size=0.2, tolerance=1e-3)
    together = network.relax(case.x, case.target, rule)
    for sample in (0, 31, 44):
        alone = network.relax(case.x[[sample]], case.target[[sample]], rule)
        for one, all_of_them in zip(alone.states, together.states, strict=True):
            assert np.array_equal(one[0], all_of_them[sample])


def test_errors_do_not_drown_in_the_rounding_of_large_states() -> None:
    case = make_case((9, 12, 8, 4), ("identity", "identity"), batch_size=20)
    case = replace(case, biases=[1000.0 + bias for bias in case.biases], dtype="float32")
    output = naive.feedforward(*case.network[:3], case.x)[1]
    case = replace(case, target=output + case.target)
    first = relax(case, ErrorPC(steps=1, step_size=0.1)).errors[:-1]
    double = relax(replace(case, dtype="float64"), ErrorPC(steps=1, step_size=0.1)).errors[:-1]
    assert distance(first, double) <= 1e-2


@pytest.mark.parametrize("wrong", [
    {"steps": -1}, {"step_size": 0}, {"step_size": 1.5}, {"step_size": "fast"}, {"tolerance": -1}, {"precisions": (0,)},
])  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; "):
        ErrorPC(**wrong)


def test_no_step_of_its_own_is_unstable() -> None:
    assert ErrorPC().stability_limit(Spectrum(PCNetwork((3, 4, 2)))) == math.inf


def test_a_fixed_step_is_stable_below_its_limit_and_not_above() -> None:
    """With one hidden layer of the identity the bound is exact: the curvature is 1 + ‖W_2‖² pi_2 / pi_1."""
    network = PCNetwork((5, 6, 4), "identity", dtype="float64", seed=1)
    network.weights[1] = 3 * network.weights[1]
    x, y = np.random.default_rng(0).normal(size=(2, 20, 5))
    limit = ErrorPC(step_size=0.1, precisions=(0.5, 2.0)).stability_limit(Spectrum(network))
    assert 0 < limit < 1

    def energies(fraction: float) -> Any:
        rule = ErrorPC(steps=300, step_size=fraction * limit, precisions=(0.5, 2.0))
        return network.relax(x, y[:, :4], rule).energy.sum(axis=1)

    assert (np.diff(energies(0.99)) <= 1e-12).all()
    assert energies(1.01)[-1] > energies(1.01)[0]
