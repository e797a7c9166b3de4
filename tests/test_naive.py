"""The references, proved against each other, against finite differences and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from naive import Array
from naive_activations import ACTIVATIONS, SMOOTH
from strategies import MARGIN, Case, cases, make_case

small = cases(max_hidden=3, max_size=6, max_batch=4)
smooth = cases(min_hidden=1, max_size=20, max_batch=8, activations=SMOOTH)


def perturbed(case: Case) -> list[Array]:
    """States away from the feed-forward pass, so that every error is non-zero."""
    states, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    rng = np.random.default_rng(case.seed)
    return [case.x, *(x + rng.normal(0, 0.5, x.shape) for x in states[1:])]


# -- activations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_finite_differences_away_from_kinks(name: str) -> None:
    activation, width = ACTIVATIONS[name], 1e-5
    x = np.linspace(-6, 6, 10_007)
    x = x[np.all([np.abs(x - kink) > MARGIN for kink in activation.kinks] or [x == x], axis=0)]
    slopes = (activation.function(x + width) - activation.function(x - width)) / (2 * width)
    np.testing.assert_allclose(activation.derivative(x), slopes, atol=1e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_lipschitz_constant_is_the_steepest_slope(name: str) -> None:
    activation = ACTIVATIONS[name]
    steepest = np.abs(activation.derivative(np.linspace(-6, 6, 1_000_001))).max()
    assert steepest <= activation.lipschitz <= steepest * (1 + 1e-9)


def test_known_lipschitz_constants() -> None:
    assert ACTIVATIONS["gelu"].lipschitz == pytest.approx(1.128904145)
    assert ACTIVATIONS["silu"].lipschitz == pytest.approx(1.099839320)


# -- energy and its gradients --------------------------------------------------------------------


@given(small)
def test_hidden_errors_are_zero_at_the_feedforward_states(case: Case) -> None:
    states, output = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    *hidden, top = naive.errors(*case.network, states, case.target)
    assert all(np.all(error == 0) for error in hidden)
    assert top.shape == output.shape == case.target.shape


@given(small)
def test_energy_of_the_free_output_is_zero(case: Case) -> None:
    states, output = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    energy = naive.energies(case.weights, case.biases, case.activations, "squared_error", states, output)
    assert energy.shape == (len(case.x), len(case.weights))
    assert np.all(energy == 0)


@given(small)
def test_weight_gradient_is_the_finite_difference_with_states_held(case: Case) -> None:
    arguments = (*case.network, perturbed(case), case.target, case.precisions)
    exact, finite = naive.weight_gradient(*arguments), naive.finite_weight_gradient(*arguments)
    for a, b in zip(exact.weights + exact.biases, finite.weights + finite.biases, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7)


@given(cases(max_hidden=3, max_size=6, max_batch=4, activations=SMOOTH))
def test_state_gradient_is_the_finite_difference(case: Case) -> None:
    states = perturbed(case)

    def energy() -> float:
        return float(naive.energies(*case.network, states, case.target, case.precisions).sum())

    exact = naive.state_gradient(*case.network, states, case.target, case.precisions)
    for gradient, state in zip(exact, states[1:], strict=True):
        finite = naive.finite_differences(energy, state)
        np.testing.assert_allclose(gradient, finite, rtol=1e-7, atol=1e-7)


@given(cases(max_hidden=3, max_size=6, max_batch=4, activations=SMOOTH))
def test_backprop_gradient_is_the_finite_difference_of_the_loss(case: Case) -> None:
    gradient = naive.backprop_gradient(*case.network, case.x, case.target, case.precisions)
    parameters = naive.Parameters(case.weights, case.biases)

    def energy() -> float:
        states, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
        layers = naive.energies(*case.network, states, case.target, case.precisions)
        return float(layers.sum(axis=1).mean())

    for exact, arrays in zip(gradient, parameters, strict=True):
        for a, array in zip(exact, arrays, strict=True):
            np.testing.assert_allclose(a, naive.finite_differences(energy, array), rtol=1e-6, atol=1e-7)


@given(cases(max_hidden=0))
def test_without_hidden_layers_predictive_coding_is_backpropagation(case: Case) -> None:
    relaxed = naive.relax(*case.network, case.x, case.target, steps=3, step_size=0.1)
    held = naive.weight_gradient(*case.network, relaxed.states, case.target, case.precisions)
    chain = naive.backprop_gradient(*case.network, case.x, case.target, case.precisions)
    np.testing.assert_allclose(held.weights[0], chain.weights[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(held.biases[0], chain.biases[0], rtol=1e-12, atol=1e-12)


# -- relaxation ----------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    cases(
        max_hidden=3,
        max_size=12,
        max_batch=4,
        activations=["identity"],
        losses=["squared_error"],
    )
)
def test_long_relaxation_of_a_linear_network_reaches_the_closed_form(case: Case) -> None:
    relaxed = naive.relax(
        *case.network,
        case.x,
        case.target,
        steps=3000,
        step_size=case.stable_step(1.0),
        momentum=0.9,
        precisions=case.precisions,
    )
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions)
    for x, y in zip(relaxed.states, exact, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-8)


@given(smooth, st.floats(0.05, 0.5))
def test_energy_never_rises_at_a_stable_step(case: Case, fraction: float) -> None:
    relaxed = naive.relax(
        *case.network,
        case.x,
        case.target,
        steps=20,
        step_size=case.stable_step(fraction),
        precisions=case.precisions,
    )
    total = relaxed.energies.sum(axis=1)
    assert np.all(np.diff(total) <= 1e-12 * total[0])


@given(cases(max_size=10, max_batch=4), st.integers(0, 6))
def test_an_error_moves_one_layer_a_step(case: Case, steps: int) -> None:
    start, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    relaxed = naive.relax(*case.network, case.x, case.target, steps, step_size=0.1, momentum=0.5)
    assert relaxed.energies.shape == (steps + 1, len(case.weights))
    for layer in range(len(case.weights) - steps):
        np.testing.assert_array_equal(relaxed.states[layer], start[layer])


@given(cases(min_hidden=1, max_size=12, max_batch=8))
def test_samples_do_not_touch_each_other(case: Case) -> None:
    together = naive.relax(*case.network, case.x, case.target, 5, case.stable_step(), 0.5)
    alone = naive.relax(*case.network, case.x[:1], case.target[:1], 5, case.stable_step(), 0.5)
    for x, y in zip(together.states, alone.states, strict=True):
        np.testing.assert_allclose(x[:1], y, rtol=1e-9, atol=1e-12)


def test_tolerance_freezes_each_sample_on_its_own() -> None:
    case = make_case((5, 7, 3), ("tanh",), batch_size=2)
    _, output = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    target = np.stack([output[0] + 1e-6, case.target[1]])  # the first one starts all but settled
    start, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    free = naive.relax(*case.network, case.x, target, 10, 0.1)
    held = naive.relax(*case.network, case.x, target, 10, 0.1, tolerance=1e-4)
    np.testing.assert_array_equal(held.states[1][0], start[1][0])
    np.testing.assert_array_equal(held.states[1][1], free.states[1][1])
    assert np.any(free.states[1][0] != start[1][0])


def test_tolerance_ends_where_the_gradient_is_small() -> None:
    case = make_case((5, 7, 6, 3), ("tanh", "gelu"), batch_size=6)
    relaxed = naive.relax(*case.network, case.x, case.target, 2000, 0.1, tolerance=1e-4)
    gradient = naive.state_gradient(*case.network, relaxed.states, case.target)
    assert 0 < max(np.abs(g).max() for g in gradient) < 1e-4
    assert np.all(relaxed.energies[-1] == relaxed.energies[-2])


def test_clearance_is_the_closest_any_state_came_to_a_kink() -> None:
    case = make_case((4, 9, 3), ("hard_tanh",), batch_size=5)
    relaxed = naive.relax(*case.network, case.x, case.target, steps=0, step_size=0.1)
    states, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    expected = np.abs(np.abs(states[1]) - 1).min(axis=1)
    np.testing.assert_allclose(relaxed.clearance, expected)
    moved = naive.relax(*case.network, case.x, case.target, steps=9, step_size=0.1)
    assert np.all(moved.clearance <= relaxed.clearance)


# -- stable step ---------------------------------------------------------------------------------


@given(
    cases(
        min_hidden=1,
        max_size=12,
        max_batch=1,
        activations=["identity", "relu", "leaky_relu", "hard_tanh"],
    )
)
def test_curvature_bound_holds_for_piecewise_linear_networks(case: Case) -> None:
    states = perturbed(case)
    arguments = (*case.network, states, case.target, case.precisions)
    columns = []
    for state in states[1:]:
        for index in range(state.shape[1]):
            state[0, index] += 1e-6
            above = np.concatenate(naive.state_gradient(*arguments), axis=1)[0]
            state[0, index] -= 2e-6
            below = np.concatenate(naive.state_gradient(*arguments), axis=1)[0]
            state[0, index] += 1e-6
            columns.append((above - below) / 2e-6)
    # Within a difference's width of a kink there is no curvature to speak of.
    if naive.kink_distance(case.activations, states).min() > 1e-5:
        bound = naive.curvature_bound(*case.network[::2], case.loss, case.precisions)
        assert np.linalg.norm(np.array(columns), 2) <= bound * (1 + 1e-6)
