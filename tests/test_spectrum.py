"""Spectral norms by the power iteration, and the state steps they allow."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

import naive
from fastpc import PC, PCNetwork
from fastpc.spectrum import AUTO_FRACTION, Spectrum, first_step
from on_engine import network_of
from strategies import LOSSES, Case, cases, make_case


@given(cases(max_batch=1))
def test_norms_are_close_to_the_largest_singular_values_and_never_above(case: Case) -> None:
    norms = Spectrum(network_of(case)).norms
    exact = np.array([naive.spectral_norm(weight) for weight in case.weights])
    assert np.all(norms <= exact * (1 + 1e-5))
    assert np.all(norms >= 0.9 * exact)  # measured: 0.967, where two are almost the same


@given(cases(max_batch=1))
def test_curvature_is_the_reference_s_bound_for_the_norms_found(case: Case) -> None:
    spectrum = Spectrum(network_of(case))
    found = spectrum.curvature(case.precisions or (1.0,) * len(case.weights))
    exact = naive.curvature_bound(case.weights, case.activations, case.loss, case.precisions)
    assert 0.8 * exact <= found <= exact * (1 + 1e-5)


def test_vectors_are_unit_singular_vectors_of_every_layer_in_the_network_s_dtype() -> None:
    case = make_case((30, 20, 12), ("tanh",), dtype="float32")
    spectrum = Spectrum(network_of(case))
    assert spectrum.vectors.dtype == np.float32
    parts = np.split(spectrum.vectors, [20])
    for vector, weight, norm in zip(parts, case.weights, spectrum.norms, strict=True):
        assert np.linalg.norm(vector) == pytest.approx(1, rel=1e-5)
        assert np.linalg.norm(weight @ vector) == pytest.approx(norm, rel=1e-3)


def test_weights_of_zero_have_a_norm_of_zero() -> None:
    network = PCNetwork((4, 3, 2))
    network.weights = [np.zeros((4, 3)), np.zeros((3, 2))]
    spectrum = Spectrum(network)
    assert spectrum.norms.tolist() == [0, 0]
    assert np.isfinite(spectrum.vectors).all()
    assert first_step(network, PC(step_size="auto")) == AUTO_FRACTION


def test_the_same_network_gives_the_same_bits() -> None:
    network = PCNetwork((784, 128, 10))
    assert Spectrum(network).vectors.tobytes() == Spectrum(network).vectors.tobytes()


def test_the_first_layer_s_weights_do_not_bound_the_step() -> None:
    case = make_case((9, 8, 7), ("relu",))
    large = replace(case, weights=[100 * case.weights[0], case.weights[1]])
    steps = {first_step(network_of(each), PC(step_size="auto")) for each in (case, large)}
    assert len(steps) == 1


def test_the_step_a_rule_begins_with() -> None:
    network = PCNetwork((9, 8, 7), "relu")
    spectrum = Spectrum(network)
    automatic = AUTO_FRACTION / spectrum.curvature((1.0, 1.0))
    for known in (spectrum, None):
        assert first_step(network, PC(step_size="auto"), known) == automatic
        assert first_step(network, PC(step_size=0.9), known) == 0.9
        assert first_step(network, PC(step_size=0.9, capped=True), known) == automatic
        assert first_step(network, PC(step_size=1e-4, capped=True), known) == 1e-4


def test_the_largest_precision_divides_the_automatic_step() -> None:
    squared, entropy = (PCNetwork((9, 8, 7), "relu", loss) for loss in LOSSES)
    plain, precise = PC(step_size="auto"), PC(step_size="auto", precisions=(2.0, 4.0))
    assert first_step(squared, precise) == pytest.approx(first_step(squared, plain) / 4)
    assert first_step(entropy, precise) == pytest.approx(first_step(entropy, plain) / 2)


def test_weights_near_the_largest_numbers_have_a_norm_too() -> None:
    network = PCNetwork((9, 8, 7), "relu")
    plain = Spectrum(network).norms
    network.weights = [weight.astype(np.float64) * 1e36 for weight in network.weights]
    assert Spectrum(network).norms == pytest.approx(plain * 1e36)


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e30), ("float64", 1e200), ("float64", 1e-200)])
def test_extreme_weights_have_norms_and_steps_too(dtype: str, size: float) -> None:
    network = PCNetwork((7, 6, 5, 4), "tanh", dtype=dtype)
    usual = Spectrum(network).norms
    network.weights = [size * weights for weights in network.weights]
    spectrum = Spectrum(network)
    np.testing.assert_allclose(spectrum.norms, size * usual, rtol=1e-5)
    assert np.isfinite(spectrum.vectors).all()
    assert 0 <= first_step(network, PC(step_size="auto"), spectrum) <= 0.5
    assert PC(step_size=0.1).stability_limit(spectrum) == pytest.approx(
        2 / (1 + spectrum.norms[1:].max()) / (1 + spectrum.norms[1:].max())
    )


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_plain_steps_are_stable_below_the_limit_and_not_above(momentum: float) -> None:
    """With one hidden layer of the identity, curvatures reach 1 + ‖W_2‖², which the bound (1 + ‖W_2‖)² is above."""
    network = PCNetwork((5, 6, 4), "identity", dtype="float64", seed=1)
    x, y = np.random.default_rng(0).normal(size=(2, 20, 5))
    rule = PC(steps=1000, momentum=momentum)
    spectrum = Spectrum(network)
    limit = rule.stability_limit(spectrum)
    largest = 1 + spectrum.norms[1] ** 2

    def rise(step_size: float) -> float:
        energy = network.relax(x, y[:, :4], replace(rule, step_size=step_size)).energy.sum(axis=1)
        return float(energy[-1] / energy[0])

    assert rise(0.99 * limit) <= 1
    exact = 2 * (1 + momentum) / largest
    assert limit <= exact
    assert rise(0.99 * exact) <= 1
    with np.errstate(over="ignore"):
        assert rise(1.02 * exact) > 1
