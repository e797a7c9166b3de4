"""Z-IL: its real schedule, and backpropagation's update from it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given

import naive
import naive_feedback
from fastpc import SGD, Trainer
from fastpc.rules import ZIL, Backprop
from on_engine import data_of, distance, network_of, relax, size_of
from strategies import MARGIN, Case, cases, make_case


@given(case=cases(max_hidden=4))
def test_the_gradient_is_backpropagation_s(case: Case) -> None:
    states, _ = naive.feedforward(*case.network[:3], case.x)
    assume(np.all(naive.kink_distance(case.activations, states) > MARGIN))
    weights, biases = network_of(case).gradient(*data_of(case), ZIL())
    exact = naive.backprop_gradient(*case.network, case.x, case.target)
    tolerance = 1e-10 if case.dtype == "float64" else 2e-4
    assert distance([*weights, *biases], [*exact.weights, *exact.biases], 1e-3) <= tolerance


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_the_schedule_is_the_reference_s(loss: str) -> None:
    case = make_case((9, 12, 8, 7, 6, 4), ("tanh", "gelu", "sigmoid", "silu"), loss, batch_size=20)
    states, _, errors, energies = naive_feedback.run_schedule(case.network, case.x, case.target)
    relaxed = relax(case, ZIL())
    assert relaxed.steps == 4
    assert distance(relaxed.errors, errors) <= 1e-10
    assert distance(relaxed.states, states[1:]) <= 1e-10
    assert distance([relaxed.energy], [energies]) <= 1e-10


def test_the_states_do_move_on_the_way() -> None:
    case = make_case((9, 12, 8, 7, 4), ("tanh", "gelu", "tanh"), batch_size=20)
    feed_forward, _ = naive.feedforward(*case.network[:3], case.x)
    for moved, before in zip(relax(case, ZIL()).states, feed_forward[1:], strict=True):
        assert np.abs(moved - before).max() > 1e-3
    # So errors at the end would not do: only those taken on the way are backpropagation's.
    states, _, taken, _ = naive_feedback.run_schedule(case.network, case.x, case.target)
    at_the_end = naive.errors(*case.network, states, case.target)
    assert distance(at_the_end[1:], taken[1:]) > 1e-2


def test_a_whole_run_is_backpropagation_s() -> None:
    case = make_case((9, 12, 8, 4), ("tanh", "gelu"), batch_size=50)
    networks = [network_of(case), network_of(case)]
    for network, rule in zip(networks, (ZIL(), Backprop()), strict=True):
        Trainer(network, rule, SGD(0.05), batch_size=16).fit(data_of(case), epochs=3)
    assert distance(networks[0].weights, networks[1].weights) <= 1e-10


def test_the_first_layer_s_update_has_no_rounding_of_large_states() -> None:
    case = make_case((9, 12, 8, 4), ("identity", "identity"), dtype="float32", batch_size=20)
    # States a thousand times their errors: a difference of them would be good to three digits.
    outputs = naive.feedforward(*case.network[:3], case.x)[1]
    case = replace(case, target=outputs + 1e-3 * case.target)
    found = relax(case, ZIL()).errors[0] / relax(case, Backprop()).errors[0]
    assert size_of(case, []) > 1
    np.testing.assert_allclose(found, 1, rtol=1e-4)
