"""The network on the engine against the float64 references, over networks of every shape.

A float64 network agrees to 1e-10, a float32 one to 1e-4: states, errors, energies and gradients, each
layer's relative to the largest of its own numbers in the reference (or to what the reference itself
can tell apart, where that is more).
"""

import copy
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.special import softmax

import naive
from fastpc import PC, PCNetwork
from fastpc.errors import CheckpointError, ConfigurationError
from fastpc.network import ACTIVATIONS, DTYPES, LOSSES
from naive import Array
from naive_activations import SMOOTH
from on_engine import data_of, distance, network_of, reference, relax, relaxed_cases, size_of, start_states
from strategies import Case, cases, make_case

TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def known(case: Case, states: Sequence[Array]) -> float:
    """Return how large a number must be for the reference to know it, a difference of states, to the tolerance."""
    return 8 * float(np.finfo(np.longdouble).eps) * size_of(case, states) / TOLERANCE[case.dtype]


def flat(arrays: Any) -> list[Any]:
    """Return arrays as one vector, to be compared as one."""
    return [np.concatenate([np.ravel(array) for array in arrays])]


# -- against the references ----------------------------------------------------------------------


@settings(max_examples=100)
@given(relaxed_cases())
def test_relaxation_is_the_reference_s(drawn: tuple[Case, PC]) -> None:
    case, rule = drawn
    found, exact = relax(case, rule), reference(case, rule)
    tolerance, least = TOLERANCE[case.dtype], known(case, exact.states)
    assert distance(found.states, exact.states[1:]) <= tolerance
    assert distance(found.errors, exact.errors, least) <= tolerance
    assert distance(found.energy.T, exact.energies.T, least**2) <= tolerance


@settings(max_examples=100)
@given(relaxed_cases())
def test_gradient_is_the_reference_s(drawn: tuple[Case, PC]) -> None:
    case, rule = drawn
    weights, biases = network_of(case).gradient(*data_of(case), rule)
    states = reference(case, rule).states
    exact = naive.weight_gradient(*case.network, states, case.target, case.precisions)
    tolerance, least = TOLERANCE[case.dtype], known(case, states) * max(case.precisions or [1.0])
    assert distance(weights, exact.weights, least * size_of(case, states)) <= tolerance
    assert distance(biases, exact.biases, least) <= tolerance


@given(cases())
def test_forward_is_the_reference_s_feedforward_pass(case: Case) -> None:
    _, exact = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    network, (x, _) = network_of(case), data_of(case)
    outputs = network.forward(x)
    assert outputs.dtype == case.dtype
    assert distance([outputs], [exact]) <= TOLERANCE[case.dtype]
    assert distance([network.predict_proba(x)], [softmax(exact, axis=1)]) <= TOLERANCE[case.dtype]
    assert np.array_equal(network.predict(x), outputs.argmax(axis=1))


@given(cases(max_hidden=2, max_size=6, max_batch=4, dtypes=["float64"]), st.integers(0, 5))
def test_gradient_is_the_finite_difference_with_the_states_held(case: Case, steps: int) -> None:
    rule = PC(steps=steps, step_size=case.stable_step(), precisions=case.precisions)
    states = [case.x, *relax(case, rule).states]
    weights, biases = network_of(case).gradient(*data_of(case), rule)
    exact = naive.finite_weight_gradient(*case.network, states, case.target, case.precisions)
    assert distance(flat(weights + biases), flat(exact.weights + exact.biases), 1.0) <= 1e-8


@settings(max_examples=30)
@given(
    cases(
        min_hidden=1,
        max_hidden=3,
        max_size=12,
        max_batch=20,
        activations=["identity"],
        losses=["squared_error"],
        dtypes=["float64"],
    )
)
def test_long_relaxation_of_a_linear_network_reaches_the_closed_form(case: Case) -> None:
    rule = PC(steps=3000, step_size=case.stable_step(1.0), momentum=0.9, precisions=case.precisions)
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions)
    assert distance(relax(case, rule).states, exact[1:], 1.0) <= 1e-8


# -- energy --------------------------------------------------------------------------------------


@given(
    cases(min_hidden=1, activations=SMOOTH, dtypes=["float64"]),
    st.sampled_from(["feedforward", "zeros", "random"]),
    st.floats(0.05, 1.0) | st.just("auto"),
)
def test_energy_never_rises_at_a_stable_step(case: Case, start: str, step: float | str) -> None:
    step_size: Any = step if isinstance(step, str) else case.stable_step(step)
    rule = PC(steps=20, step_size=step_size, start=start, precisions=case.precisions)
    total = relax(case, rule).energy.sum(axis=1)
    assert np.all(np.diff(total) <= 1e-12 * total[0])


@given(cases(), st.integers(0, 5))
def test_energy_is_the_last_row_of_the_relaxation_s(case: Case, steps: int) -> None:
    rule = PC(steps=steps, step_size=case.stable_step(), precisions=case.precisions)
    network, data = network_of(case), data_of(case)
    relaxed = network.relax(*data, rule)
    assert relaxed.energy.shape == (steps + 1, network.n_layers)
    assert np.array_equal(network.energy(*data, rule), relaxed.energy[-1])
    assert not network.energy(*data)[:-1].any(), "feed-forward, hidden layers have no error"


def test_tolerance_ends_early_and_the_energy_stays() -> None:
    case = make_case((5, 7, 6, 3), ("tanh", "gelu"), batch_size=40)
    rule = PC(steps=2000, step_size=0.1, tolerance=1e-4)
    found = relax(case, rule)
    assert 0 < found.steps < 2000
    assert (found.energy[found.steps :] == found.energy[-1]).all()
    gradient = naive.state_gradient(*case.network, [case.x, *found.states], case.target)
    assert 0 < max(np.abs(g).max() for g in gradient) < 1e-4
    assert relax(case, PC(steps=20, step_size=0.1)).steps == 20


# -- starts --------------------------------------------------------------------------------------


@given(cases(min_hidden=1))
def test_starts(case: Case) -> None:
    zeros = relax(case, PC(steps=0, start="zeros")).states
    assert not any(state.any() for state in zeros)
    begun = relax(case, PC(steps=0)).states
    exact, _ = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    assert distance(begun, exact[1:]) <= TOLERANCE[case.dtype]


def test_random_starts_are_normal_and_belong_to_seed_sample_and_unit() -> None:
    case = make_case((3, 70, 70, 2), ("tanh", "tanh"), batch_size=70, seed=5)
    rule = PC(steps=0, start="random")
    first, second = relax(case, rule).states
    numbers = np.concatenate([first.ravel(), second.ravel()])
    assert len(np.unique(numbers)) == len(numbers)
    assert abs(numbers.mean()) < 0.005
    assert numbers.std() == pytest.approx(0.1, rel=0.05)
    assert np.array_equal(relax(case, rule).states[0], first)
    few = replace(case, x=case.x[:7], target=case.target[:7])
    assert np.array_equal(relax(few, rule).states[1], second[:7])
    assert not np.isclose(relax(replace(case, seed=6), rule).states[0], first).any()
    assert start_states(case, rule) is not None


# -- forms of data, and company ------------------------------------------------------------------


@given(cases(), st.integers(0, 4))
def test_csr_inputs_give_the_same_bits_as_dense_ones(case: Case, steps: int) -> None:
    sparse_x = np.where(case.x > 0.3, case.x, 0)
    case = replace(case, x=sparse_x)
    network, (x, y) = network_of(case), data_of(case)
    rule = PC(steps=steps, step_size=case.stable_step(), precisions=case.precisions)
    assert np.array_equal(network.forward(csr_array(x)), network.forward(x))
    dense, sparse = network.relax(x, y, rule), network.relax(csr_array(x), y, rule)
    for a, b in zip(dense.states + dense.errors, sparse.states + sparse.errors, strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(network.gradient(x, y, rule), network.gradient(csr_array(x), y, rule), strict=True):
        assert np.array_equal(*flat(a), *flat(b))


@given(cases(losses=["cross_entropy"]))
def test_labels_give_the_same_bits_as_one_hot_targets(case: Case) -> None:
    network, (x, one_hot) = network_of(case), data_of(case)
    dense, labelled = network.relax(x, one_hot), network.relax(x, case.labels)
    for a, b in zip(dense.errors, labelled.errors, strict=True):
        assert np.array_equal(a, b)


@given(cases(), st.data())
def test_a_sample_s_numbers_do_not_depend_on_its_company(case: Case, data: st.DataObject) -> None:
    network, (x, y) = network_of(case), data_of(case)
    k = data.draw(st.integers(0, len(x) - 1))
    rule = PC(steps=4, step_size=case.stable_step(), precisions=case.precisions)
    assert np.array_equal(network.forward(x[k : k + 1])[0], network.forward(x)[k])
    alone, together = network.relax(x[k : k + 1], y[k : k + 1], rule), network.relax(x, y, rule)
    for a, b in zip(alone.states + alone.errors, together.states + together.errors, strict=True):
        assert np.array_equal(a[0], b[k])


# -- parameters ----------------------------------------------------------------------------------


@given(cases(max_batch=1))
def test_weights_and_biases_read_back_what_was_assigned(case: Case) -> None:
    network = network_of(case)
    for l, (weights, biases) in enumerate(zip(case.weights, case.biases, strict=True)):
        assert np.array_equal(network.weights[l], weights)
        assert np.array_equal(network.biases[l], biases)
    assert network.n_parameters == sum(w.size for w in [*case.weights, *case.biases])
    assert network.n_parameters == len(network.parameters)


def test_one_layer_s_parameters_can_be_set_or_written_in_place() -> None:
    network = PCNetwork((3, 4, 2))
    assert not network.biases[1].any()
    network.biases[1] = [1, 2]
    network.weights[0][:] = 5
    network.weights[-1] = np.full((4, 2), 3.0)
    assert network.biases[1].tolist() == [1, 2]
    assert (network.weights[0] == 5).all()
    assert (network.weights[1] == 3).all()
    assert [weights.shape for weights in network.weights] == [(3, 4), (4, 2)]
    assert repr(network.weights) == "<weights of layers 1 to 2: (3, 4), (4, 2)>"


@pytest.mark.parametrize("values", [np.zeros((4, 3)), np.zeros(3), np.full((3, 4), np.nan)])
def test_wrong_weights_are_refused_and_change_nothing(values: Any) -> None:
    network = PCNetwork((3, 4, 2))
    before = network.parameters.copy()
    with pytest.raises(ConfigurationError, match=r"expected .*weights\[0\].*got.*; pass"):
        network.weights[0] = values
    with pytest.raises(ConfigurationError, match="expected 2 arrays"):
        network.weights = [np.zeros((3, 4))]
    assert np.array_equal(network.parameters, before)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (PCNetwork((3, 4, 2), seed=seed).parameters for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [
    {"sizes": (3,)}, {"sizes": "34"}, {"sizes": (3, 0, 2)}, {"sizes": (3, 2.5)},
    {"activation": "sine"}, {"activation": ["tanh", "tanh"]}, {"loss": "hinge"},
    {"dtype": "float16"}, {"dtype": int}, {"seed": -1}, {"initializer": "ones"},
])  # fmt: skip
def test_wrong_settings_are_refused_in_one_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        PCNetwork(**{"sizes": (3, 4, 2), **wrong})
    assert "\n" not in str(caught.value)


def test_settings_are_kept() -> None:
    network = PCNetwork([5, 4, 3, 2], ["tanh", "relu"], "cross_entropy", "float64", 7, "orthogonal")
    assert network.sizes == (5, 4, 3, 2)
    assert network.activations == ("tanh", "relu")
    assert network.n_layers == 3
    assert repr(network) == "PCNetwork(5-4-3-2, tanh,relu, cross_entropy, float64)"
    assert PCNetwork((3, 2), dtype=np.float64).dtype == "float64"
    assert PCNetwork((3, 2)).activations == ()
    assert {len(ACTIVATIONS), len(LOSSES), len(DTYPES)} == {8, 2}


# -- files ---------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(cases(max_size=20, max_batch=3))
def test_a_saved_network_comes_back_bit_for_bit(tmp_path_factory: Any, case: Case) -> None:
    network = network_of(case)
    path: Path = tmp_path_factory.getbasetemp() / "model.safetensors"
    network.save(path)
    back = PCNetwork.load(path)
    for name in ("sizes", "activations", "loss", "dtype", "seed", "initializer", "residual", "scaling"):
        assert getattr(back, name) == getattr(network, name)
    assert back.parameters.tobytes() == network.parameters.tobytes()
    x, _ = data_of(case)
    assert np.array_equal(back.forward(x), network.forward(x))
    content = path.read_bytes()
    back.save(path)
    assert path.read_bytes() == content


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="absent"):
        PCNetwork.load(tmp_path / "absent")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_is_whole_and_apart_and_as_kernels_want_it(copied: Any, dtype: str) -> None:
    network = PCNetwork((5, 7, 3), "gelu", dtype=dtype)
    twin = copied(network)
    assert repr(twin) == repr(network)
    assert np.array_equal(twin.parameters, network.parameters)
    twin.weights[0][:] = 9
    assert not np.any(network.parameters == 9)
    # Kernels read whole cache lines, and past the end.
    assert twin.parameters.ctypes.data % 64 == 0
    behind = twin.parameters.base.ctypes.data + twin.parameters.base.nbytes - twin.parameters.ctypes.data
    assert behind >= (network.n_parameters + network.layout.slack) * network.parameters.itemsize
