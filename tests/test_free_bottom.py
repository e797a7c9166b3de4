"""Networks whose layer 0 is free: states, weights and closed form, held against the float64 references."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive
import naive_generative
from fastpc import PC, SGD, Clamp, Trainer, Unsupervised
from fastpc.data import Shuffle
from fastpc.errors import ConfigurationError, DataError
from naive import Array
from on_engine import distance, network_of
from strategies import MARGIN, Case, cases, make_case

TOLERANCE = {"float64": 1e-10, "float32": 2e-4}
priors = st.sampled_from([0.0, 0.5, 1.0, 4.0])


def starting_states(case: Case, x: Array) -> list[Array]:
    """Return x_0…x_{L-1} that are predicted from x."""
    return naive.feedforward(case.weights, case.biases, case.activations, x)[0]


def stable_step(case: Case, prior: float, fraction: float = 0.5) -> float:
    bound = naive_generative.curvature_bound(*case.network[::2], case.loss, case.precisions, prior)
    return fraction / bound


def reference(case: Case, rule: PC, prior: float, x: Array) -> naive.Relaxation:
    assert not isinstance(rule.step_size, str)
    return naive_generative.relax(
        *case.network, starting_states(case, x), case.target, rule.steps, rule.step_size, rule.momentum,
        rule.precisions, prior,
    )  # fmt: skip


@given(cases(max_hidden=3), priors, st.integers(0, 20), st.sampled_from([0.0, 0.5, 0.9]), st.floats(0.05, 1.0))
def test_states_errors_and_energies_are_the_reference_s(
    case: Case, prior: float, steps: int, momentum: float, fraction: float
) -> None:
    rule = PC(steps, stable_step(case, prior, fraction), momentum, precisions=case.precisions)
    clear = reference(case, rule, prior, case.x).clearance > MARGIN
    assume(clear.any())
    case = replace(case, x=case.x[clear], target=case.target[clear], labels=case.labels[clear])
    exact = reference(case, rule, prior, case.x)
    found = network_of(case).relax(
        case.x.astype(case.dtype), case.target.astype(case.dtype), rule, clamp="output", prior=prior
    )
    scale = max(1.0, *(float(np.abs(array).max()) for array in (case.target, *exact.states)))
    assert found.inputs is not None
    assert found.prior_energy is not None
    assert distance([found.inputs, *found.states], exact.states, scale) < TOLERANCE[case.dtype]
    assert distance(found.errors, exact.errors, scale) < TOLERANCE[case.dtype]
    energy = np.column_stack([found.prior_energy, found.energy])
    assert distance([energy], [exact.energies], scale) < 10 * TOLERANCE[case.dtype]


@given(cases(max_hidden=2, max_batch=90, losses=["squared_error"], activations=["tanh", "gelu"]), priors)
def test_infer_is_the_same_relaxation_from_zero_for_any_number_of_samples(case: Case, prior: float) -> None:
    rule = PC(30, stable_step(case, prior), 0.5, precisions=case.precisions)
    exact = reference(case, rule, prior, 0 * case.x)
    found = network_of(case).infer(case.target.astype(case.dtype), rule, prior=prior)
    assert distance([found], exact.states[:1], 1.0) < TOLERANCE[case.dtype]


@pytest.mark.parametrize("sizes", [(3, 20), (3, 7, 40), (2, 5, 6, 90)])
@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_a_linear_network_reaches_the_closed_form(sizes: tuple[int, ...], prior: float) -> None:
    case = make_case(sizes, ("identity",) * (len(sizes) - 2), batch_size=19, seed=4)
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, None, prior)
    rule = PC(steps=4000, step_size="auto", momentum=0.9)
    found = network_of(case).relax(None, case.target, rule, clamp=Clamp.OUTPUT, prior=prior)
    assert found.inputs is not None
    assert distance([found.inputs, *found.states], exact) < 1e-8
    # infer goes through the Gram matrix where the output is wide.
    assert distance([network_of(case).infer(case.target, rule, prior=prior)], exact[:1]) < 1e-8


@given(cases(max_hidden=2, max_size=40, max_batch=30, losses=["squared_error"], activations=["tanh", "silu"]), priors)
def test_the_automatic_step_never_lets_the_energy_rise(case: Case, prior: float) -> None:
    network = network_of(replace(case, dtype="float64"))
    # Small states: the bound leaves out f'' terms, which grow with the errors.
    rule = PC(steps=20, step_size="auto", precisions=case.precisions)
    found = network.relax(0.1 * case.x, 0.1 * case.target, rule, clamp="output", prior=prior)
    assert found.prior_energy is not None
    total = found.energy.sum(axis=1) + found.prior_energy
    assert np.all(np.diff(total) <= 1e-12 * max(1.0, total[0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [(5, 40), (3, 17, 50), (7, 19, 11, 33)])
def test_unsupervised_weights_learn_as_the_reference_s(sizes: tuple[int, ...], dtype: str) -> None:
    case = make_case(sizes, ("tanh",) * (len(sizes) - 2), dtype=dtype, batch_size=37, seed=5)
    prior, rate, size, seed = 0.7, 0.05, 16, 3
    rule = Unsupervised(steps=12, step_size=stable_step(case, prior), momentum=0.5, prior=prior)
    network = network_of(case)
    history = Trainer(network, rule, SGD(rate), size, seed=seed).fit((case.target.astype(dtype), case.labels))
    parameters = naive.Parameters(list(case.weights), list(case.biases))
    total = np.zeros(len(sizes) - 1)
    order = Shuffle(37, seed).order(0)
    for first in range(0, 37, size):
        batch = order[first : first + size]
        now = replace(case, weights=parameters.weights, biases=parameters.biases, x=0 * case.x[batch],
                      target=case.target[batch], labels=case.labels[batch])  # fmt: skip
        relaxed = reference(now, rule, prior, now.x)
        total += len(batch) * relaxed.energies[-1, 1:]
        gradient = naive.weight_gradient(*now.network, relaxed.states, now.target)
        pairs = zip(parameters, gradient, strict=True)
        parameters = naive.Parameters(*([p - rate * g for p, g in zip(a, b, strict=True)] for a, b in pairs))
    tolerance = TOLERANCE[dtype]
    assert distance(list(network.weights), parameters.weights) < tolerance
    assert distance(list(network.biases), parameters.biases) < tolerance
    assert distance([np.array(history.epochs[0].energy)], [total / 37]) < 10 * tolerance


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    case = make_case((6, 33, 130), ("gelu",), dtype="float32", batch_size=150, seed=1)
    images = case.target.astype(np.float32)
    learned, found = [], []
    for threads in (1, 2, 3):
        network = network_of(case)
        Trainer(network, Unsupervised(step_size="auto"), SGD(0.01), 64, threads=threads).fit((images, case.labels))
        learned.append(network.parameters.tobytes())
        found.append(network.infer(images, threads=threads).tobytes())
    assert len(set(learned)) == len(set(found)) == 1


def test_a_clamped_input_alone_is_the_feedforward_pass() -> None:
    for loss in ("squared_error", "cross_entropy"):
        case = make_case((4, 9, 5), ("tanh",), loss, batch_size=7)
        network = network_of(case)
        found = network.relax(case.x, clamp="input")
        states, _ = naive.feedforward(*case.network[:3], case.x)
        assert distance(found.states, states[1:]) < 1e-12
        assert max(np.abs(error).max() for error in found.errors) < 1e-12
    assert network.relax(case.x, case.labels).inputs is None


def test_what_is_refused() -> None:
    case = make_case((4, 9, 5), ("tanh",), batch_size=7)
    network = network_of(case)
    with pytest.raises(ConfigurationError, match="clamp to be one of both, input, output"):
        network.relax(case.x, case.target, clamp="top")
    with pytest.raises(ConfigurationError, match="no targets"):
        network.relax(case.x, case.target, clamp="input")
    with pytest.raises(ConfigurationError, match="prior"):
        network.relax(None, case.target, clamp="output", prior=-1.0)
    with pytest.raises(ConfigurationError, match="plain steps"):
        network.infer(case.target, PC(solver="errors"))
    with pytest.raises(DataError, match="expected targets with 5 columns"):
        network.infer(case.x)
