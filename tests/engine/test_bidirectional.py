"""Bidirectional relaxation and gradients, against finite differences and the float64 reference."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive_bidirectional as reference
from bidirectional_cases import TwoWayCase, join, largest, parts_of, two_way_cases
from fastpc import BidirectionalPC
from naive import Array, finite_differences
from on_engine import distance
from strategies import MARGIN, make_case

TOLERANCE = {"float64": 1e-10, "float32": 3e-4}
SMOOTH = ("identity", "tanh", "sigmoid", "gelu", "silu")


@st.composite
def clear_cases(draw: st.DrawFn) -> TwoWayCase:
    """Draw a case without the samples that come near a kink, where rounding decides the slope."""
    case = draw(two_way_cases())
    case = case.keep(case.reference().clearance > MARGIN)
    assume(len(case.up.x))
    return case


def small_case(loss: str = "squared_error", steps: int = 3) -> TwoWayCase:
    up = make_case((5, 4, 3, 2), ("tanh", "gelu"), loss, batch_size=4, seed=5)
    return join(up, BidirectionalPC(steps=steps, step_size=0.05, alpha_discriminative=0.8, alpha_generative=0.3))


@given(clear_cases())
def test_states_errors_and_energies_are_the_reference_s(case: TwoWayCase) -> None:
    tolerance, expected = TOLERANCE[case.up.dtype], case.reference()
    up, down = case.network.relax(*case.data, case.rule)
    scale = largest(expected.states)
    assert distance(up.states, expected.states[1:-1], scale) <= tolerance
    for ours, theirs in zip((up, down), reference.errors(case.directions, expected.states), strict=True):
        assert distance(ours.errors, theirs, scale) <= tolerance
    for ours, theirs in zip((up, down), expected.energies, strict=True):
        assert distance([ours.energy], [theirs], scale**2) <= tolerance


@given(clear_cases())
def test_the_weights_gradient_is_the_reference_s(case: TwoWayCase) -> None:
    network = case.network
    flat = network.gradient(*case.data, case.rule)
    states = case.reference().states
    expected = reference.weight_gradient(case.directions, states)
    scale = largest(states) ** 2
    for part, exact in zip(parts_of(network, flat), expected, strict=True):
        assert distance(part.weights, exact.weights, scale) <= TOLERANCE[case.up.dtype]
        assert distance(part.biases, exact.biases, scale) <= TOLERANCE[case.up.dtype]


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_a_step_follows_the_energy_s_finite_differences(loss: str) -> None:
    case = small_case(loss, steps=1)
    image, label = case.up.x, case.up.target
    states = reference.start(case.directions, image, label)
    moved, _ = case.network.relax(image, label, case.rule)
    for found, state in zip(moved.states, states[1:-1], strict=True):
        # F is a mean over the batch, state gradients are each sample's own.
        slope = len(image) * finite_differences(lambda: reference.mean_energy(case.directions, states), state)
        np.testing.assert_allclose((state - found) / case.rule.step_size, slope, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_gradients_are_the_energy_s_finite_differences_with_the_states_held(loss: str) -> None:
    case = small_case(loss)
    image, label = case.up.x, case.up.target
    network = case.network
    relaxed, _ = network.relax(image, label, case.rule)
    states: list[Array] = [image, *relaxed.states, label]
    directions = case.directions
    parts = parts_of(network, network.gradient(image, label, case.rule))
    for part, direction in zip(parts, directions, strict=True):
        for found, arrays in ((part.weights, direction.weights), (part.biases, direction.biases)):
            for gradient, array in zip(found, arrays, strict=True):
                slope = finite_differences(lambda: reference.mean_energy(directions, states), array)
                np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-9)


@given(two_way_cases(activations=SMOOTH, dtypes=("float64",)))
def test_automatic_steps_never_raise_the_energy(case: TwoWayCase) -> None:
    case = replace(case, rule=replace(case.rule, step_size="auto"))
    up, down = case.network.relax(*case.data, case.rule)
    energy = up.energy.sum(axis=1) + down.energy.sum(axis=1)
    assert np.all(np.diff(energy) <= 1e-9 * energy[:-1])


@given(two_way_cases())
def test_results_are_the_same_on_any_number_of_threads(case: TwoWayCase) -> None:
    runs = []
    for threads in (1, 2, 4):
        network = case.network
        up, down = network.relax(*case.data, case.rule, threads=threads)
        flat = network.gradient(*case.data, case.rule, threads=threads)
        runs.append([*up.states, *up.errors, *down.errors, up.energy, down.energy, flat])
    for run in runs[1:]:
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(runs[0], run, strict=True))
