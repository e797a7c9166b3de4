"""Relaxation in the errors: the reference's sweeps, plain relaxation's equilibrium, in fewer products."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import naive
import naive_errors
from fastpc.errors import ConfigurationError
from fastpc.network import PCNetwork
from fastpc.rules import PC
from on_engine import distance, relax, size_of
from strategies import MARGIN, Case, cases, make_case


def reference(case: Case, steps: int, tolerance: float = 0.0) -> naive.Relaxation:
    return naive_errors.relax_errors(*case.network, case.x, case.target, steps, case.precisions, tolerance)


@given(case=cases(max_hidden=3), steps=st.integers(0, 9))
def test_every_sweep_is_the_reference_s(case: Case, steps: int) -> None:
    clear = reference(case, steps).clearance > MARGIN
    case = replace(case, x=case.x[clear], target=case.target[clear], labels=case.labels[clear])
    assume(len(case.x))
    ours = relax(case, PC(steps=steps, solver="errors", precisions=case.precisions))
    exact = reference(case, steps)
    # A step divides differences that shrink with every sweep: rounding grows by some orders on the way.
    tolerance = 1e-7 if case.dtype == "float64" else 5e-3
    scale = size_of(case, exact.states)
    assert distance(ours.states, exact.states[1:], scale) <= tolerance
    assert distance([ours.energy], [exact.energies], 1.0) <= tolerance


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_first_sweeps_are_exact_to_rounding(steps: int) -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "gelu"), precisions=(1.0, 2.0, 0.5), batch_size=37)
    ours = relax(case, PC(steps=steps, solver="errors", precisions=case.precisions))
    exact = reference(case, steps)
    assert distance(ours.states, exact.states[1:]) <= 1e-10
    assert distance(ours.errors, exact.errors) <= 1e-9


def test_it_ends_where_plain_relaxation_ends() -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "tanh"), batch_size=20)
    ours = relax(case, PC(steps=200, solver="errors"))
    gradient = naive.state_gradient(*case.network, [case.x, *ours.states], case.target)
    assert max(np.abs(part).max() for part in gradient) < 1e-8


def test_a_linear_network_s_equilibrium_is_the_closed_form() -> None:
    case = make_case((7, 12, 8, 4), ("identity", "identity"), precisions=(0.7, 1.5, 2.0), batch_size=11)
    ours = relax(case, PC(steps=100, solver="errors", precisions=case.precisions))
    exact = naive.linear_equilibrium(case.weights, case.biases, case.x, case.target, case.precisions)
    assert distance(ours.states, exact[1:]) <= 1e-9


def test_samples_that_have_settled_drop_out() -> None:
    case = make_case((13, 21, 9, 5), ("tanh", "tanh"), batch_size=40)
    rule = PC(steps=200, solver="errors", tolerance=1e-4)
    ours = relax(case, rule)
    assert 3 < ours.steps < 200
    exact = reference(case, 200, 1e-4)
    assert distance(ours.states, exact.states[1:]) <= 1e-4


def test_a_sample_does_not_depend_on_its_company() -> None:
    case = make_case((13, 21, 9, 5), ("relu", "gelu"), batch_size=45)
    network = PCNetwork(case.sizes, case.activations, dtype="float64")
    rule = PC(steps=6, solver="errors", tolerance=1e-3)
    together = network.relax(case.x, case.target, rule)
    for sample in (0, 31, 44):
        alone = network.relax(case.x[[sample]], case.target[[sample]], rule)
        for one, all_of_them in zip(alone.states, together.states, strict=True):
            assert np.array_equal(one[0], all_of_them[sample])


@pytest.mark.parametrize("wrong", [{"momentum": 0.5}, {"start": "zeros"}])
def test_what_it_has_no_use_for_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match='expected solver="errors" with momentum=0'):
        PC(solver="errors", **wrong)  # type: ignore[arg-type]
