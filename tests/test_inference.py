"""What may be asked of a network that stands still, and of what data."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastpc import PC, PCNetwork
from fastpc.data import as_dataset
from fastpc.errors import ConfigurationError, DataError
from on_engine import data_of, distance, network_of
from strategies import make_case

CASE = make_case((6, 40, 33, 4), ("gelu", "tanh"), "cross_entropy", dtype="float32", batch_size=70)


@pytest.fixture
def network() -> PCNetwork:
    return network_of(CASE)


# -- forward -------------------------------------------------------------------------------------


def test_bytes_are_scaled_to_the_unit_interval_unless_told_otherwise(network: PCNetwork) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 6), dtype=np.uint8)
    scaled = network.forward(pixels)
    assert distance([scaled], [network.forward(pixels * np.float32(1 / 255))]) <= 1e-6
    assert distance([network.forward(pixels, scale=1.0)], [network.forward(pixels + np.float32(0))]) == 0
    assert np.array_equal(network.forward(csr_array(pixels)), scaled)


def test_floats_enter_as_they_are_unless_told_otherwise(network: PCNetwork) -> None:
    x, _ = data_of(CASE)
    assert np.array_equal(network.forward(x, scale=0.5), network.forward(x * np.float32(0.5)))


def test_a_dataset_brings_its_scale_and_its_targets_are_not_looked_at(network: PCNetwork) -> None:
    x, _ = data_of(CASE)
    data = as_dataset(x, CASE.labels, n_classes=4, scale=0.25)
    shuffled = as_dataset(x, CASE.labels[::-1].copy(), n_classes=4, scale=0.25)
    outputs = network.forward(data)
    assert np.array_equal(outputs, network.forward(x, scale=0.25))
    assert np.array_equal(network.forward(shuffled), outputs)
    assert np.array_equal(network.predict(shuffled), network.predict(data))
    assert np.array_equal(network.forward(data, scale=1.0), network.forward(x))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 31, 32, 33, 64, 65])
def test_any_number_of_samples(network: PCNetwork, count: int) -> None:
    x, _ = data_of(CASE)
    whole = network.forward(x)
    assert whole.shape == (70, 4)
    assert np.array_equal(network.forward(x[:count]), whole[:count])


def test_images_and_lists_are_taken_too(network: PCNetwork) -> None:
    x, _ = data_of(CASE)
    assert np.array_equal(network.forward(x.reshape(70, 2, 3)), network.forward(x))
    assert distance([network.forward(x[:3].tolist())], [network.forward(x[:3])]) <= 1e-6


def test_probabilities_sum_to_one_whatever_the_outputs(network: PCNetwork) -> None:
    x, _ = data_of(CASE)
    for scale in (1.0, 1e4):
        probabilities = network.predict_proba(x, scale=scale)
        assert np.abs(probabilities.sum(axis=1) - 1).max() <= 1e-6
        assert np.array_equal(probabilities.argmax(axis=1), network.predict(x, scale=scale))


# -- relax, energy, gradient ---------------------------------------------------------------------


def test_relaxation_has_states_of_the_hidden_layers_and_errors_of_all_but_the_input(
    network: PCNetwork,
) -> None:
    found = network.relax(*data_of(CASE), PC(steps=3))
    assert [state.shape for state in found.states] == [(70, 40), (70, 33)]
    assert [error.shape for error in found.errors] == [(70, 40), (70, 33), (70, 4)]
    assert {array.dtype for array in found.states + found.errors} == {np.dtype("float32")}
    assert found.energy.shape == (4, 3)
    assert found.energy.dtype == np.float64
    assert found.steps == 3


@pytest.mark.parametrize("precisions", [None, (0.5, 3.0, 2.0)])
def test_errors_are_plain_differences_whatever_the_precisions(
    network: PCNetwork, precisions: tuple[float, ...] | None
) -> None:
    x, y = data_of(CASE)
    found = network.relax(x, y, PC(steps=3, precisions=precisions))
    predictions = x @ network.weights[0] + network.biases[0]
    assert distance([found.errors[0]], [found.states[0] - predictions], 1.0) <= 1e-5


def test_a_network_without_hidden_layers_has_nothing_to_relax() -> None:
    network = PCNetwork((6, 4), loss="cross_entropy")
    x, y = data_of(CASE)
    found = network.relax(x, y, PC(steps=5))
    assert found.states == []
    assert found.steps == 0
    assert (found.energy == found.energy[0]).all()
    assert found.energy.shape == (6, 1)


def test_the_rule_is_the_default_one_unless_given(network: PCNetwork) -> None:
    data = data_of(CASE)
    assert np.array_equal(network.relax(*data).energy, network.relax(*data, PC()).energy)
    given, default = network.gradient(*data, PC()), network.gradient(*data)
    for a, b in zip(given[0] + given[1], default[0] + default[1], strict=True):
        assert np.array_equal(a, b)


def test_one_dataset_does_as_well_as_two_arrays(network: PCNetwork) -> None:
    data = as_dataset(*data_of(CASE))
    assert np.array_equal(network.energy(data), network.energy(*data_of(CASE)))


def test_nothing_that_is_asked_changes_the_network(network: PCNetwork) -> None:
    before = network.parameters.copy()
    data = data_of(CASE)
    network.relax(*data)
    network.gradient(*data)
    network.forward(data[0])
    assert np.array_equal(network.parameters, before)


def test_answers_own_their_memory(network: PCNetwork) -> None:
    data = data_of(CASE)
    first = network.relax(*data)
    kept = [array.copy() for array in first.states + first.errors]
    network.relax(data[0] * 2, data[1])
    for array, copy in zip(first.states + first.errors, kept, strict=True):
        assert np.array_equal(array, copy)


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_answers_are_the_same_bits_on_any_number_of_threads(network: PCNetwork, threads: int) -> None:
    data = data_of(CASE)
    one, many = (network.relax(*data, PC(start="random"), threads=n) for n in (1, threads))
    for a, b in zip(one.states + one.errors, many.states + many.errors, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(one.energy, many.energy)
    for a, b in zip(network.gradient(*data, threads=1), network.gradient(*data, threads=threads), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(a, b, strict=True))
    x = np.tile(data[0], (7, 1))
    assert np.array_equal(network.forward(x, threads=1), network.forward(x, threads=threads))


# -- what is refused -----------------------------------------------------------------------------


def wrong_questions() -> dict[str, Any]:
    x, y = data_of(CASE)
    return {
        "5 features": lambda network: network.forward(x[:, :5]),
        "NaN": lambda network: network.forward(np.where(x > 2, np.nan, x)),
        "3 columns": lambda network: network.relax(x, y[:, :3].copy()),
        "5 columns": lambda network: network.relax(x, np.ones((70, 5), np.float32)),
        "label 4": lambda network: network.gradient(x, np.full(70, 4)),
        "no targets": lambda network: network.relax(x),
        "too few targets": lambda network: network.energy(x, y[:-1]),
    }


@pytest.mark.parametrize("question", wrong_questions())
def test_data_that_do_not_fit_are_refused(network: PCNetwork, question: str) -> None:
    with pytest.raises(DataError, match=r"expected .*, got"):
        wrong_questions()[question](network)


def test_settings_that_do_not_fit_are_refused(network: PCNetwork) -> None:
    with pytest.raises(ConfigurationError, match="expected 3 precisions"):
        network.relax(*data_of(CASE), PC(precisions=(1.0, 1.0)))
    with pytest.raises(ConfigurationError, match="expected threads"):
        network.forward(CASE.x, threads=0)
