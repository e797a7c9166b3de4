"""The references for free bottom layers, held against finite differences and the closed form."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_generative
from strategies import Case, cases

small = cases(max_hidden=3, max_size=6, max_batch=3, activations=["identity", "tanh", "gelu", "sigmoid"])
priors = st.sampled_from([0.0, 0.5, 1.0, 3.0])


def some_states(case: Case) -> list[naive.Array]:
    """Return x_0…x_{L-1} that agree on nothing."""
    generator = np.random.default_rng(case.seed)
    return [generator.normal(size=(len(case.x), size)) for size in case.sizes[:-1]]


@given(small, priors)
def test_state_gradient_is_that_of_the_energy(case: Case, prior: float) -> None:
    states = some_states(case)
    arguments = (*case.network, states, case.target, case.precisions, prior)
    gradient = naive_generative.state_gradient(*arguments)
    for state, g in zip(states, gradient, strict=True):
        finite = naive.finite_differences(lambda: float(naive_generative.energies(*arguments).sum()), state)
        np.testing.assert_allclose(g, finite, atol=1e-6 * max(1.0, np.abs(finite).max()))


@given(cases(max_hidden=2, max_size=5, max_batch=3, activations=["identity"], losses=["squared_error"]))
def test_long_relaxation_of_a_linear_network_reaches_the_closed_form(case: Case) -> None:
    prior = 1.0
    step = 1 / naive_generative.curvature_bound(case.weights, case.activations, case.loss, case.precisions, prior)
    relaxed = naive_generative.relax(
        *case.network, some_states(case), case.target, 4000, step, 0.9, case.precisions, prior
    )
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions, prior)
    assert len(exact) == len(relaxed.states)
    for x, y in zip(relaxed.states, exact, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-6)


@given(cases(max_hidden=2, max_size=5, max_batch=3, activations=["identity"], losses=["squared_error"]), priors)
def test_the_closed_form_is_stationary(case: Case, prior: float) -> None:
    # A free layer 0 without a prior is told by the outputs alone only where they are as wide.
    if prior == 0 and min(case.sizes) < case.sizes[0]:
        prior = 1e-3
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions, prior)
    gradient = naive_generative.state_gradient(*case.network, exact, case.target, case.precisions, prior)
    scale = max(np.abs(x).max() for x in exact)
    assert max(np.abs(g).max() for g in gradient) <= 1e-8 * max(1.0, scale)


@given(small, st.floats(0.05, 0.5), priors)
def test_energy_never_rises_at_a_stable_step(case: Case, fraction: float, prior: float) -> None:
    step = fraction / naive_generative.curvature_bound(
        case.weights, case.activations, case.loss, case.precisions, prior
    )
    # Small states: the bound leaves out f'' terms, which grow with the errors.
    states = [0.1 * state for state in some_states(case)]
    relaxed = naive_generative.relax(
        *case.network, states, 0 * case.target if case.loss == "squared_error" else case.target, 20, step, 0.0,
        case.precisions, prior,
    )  # fmt: skip
    total = relaxed.energies.sum(axis=1)
    assert np.all(np.diff(total) <= 1e-12 * max(total[0], 1.0))
