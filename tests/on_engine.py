"""Cases of `strategies` run on the engine, beside the references, and how far apart they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import naive
from fastpc import PC, PCNetwork
from fastpc.relaxation import Relaxation
from fastpc.rules import TileRule
from naive import Array
from strategies import MARGIN, Case, cases

# A threshold on the gradient is met a step sooner or later by rounding alone; that may shift a
# state by step size x threshold, which must be within the comparison's tolerance.
SETTLED = {"float64": 1e-3, "float32": 1e-5}


def network_of(case: Case) -> PCNetwork:
    """Return the network that a case describes."""
    network = PCNetwork(case.sizes, case.activations, case.loss, case.dtype, seed=case.seed)
    network.weights = case.weights
    network.biases = case.biases
    return network


def data_of(case: Case) -> tuple[Array, Array]:
    """Return inputs and targets in the network's dtype."""
    return case.x.astype(case.dtype), case.target.astype(case.dtype)


def start_states(case: Case, rule: PC) -> list[Array] | None:
    """Return x_0…x_{L-1} where a rule begins; None for the feed-forward states."""
    if rule.start == "feedforward":
        return None
    begun = network_of(case).relax(*data_of(case), replace(rule, steps=0))
    return [case.x.astype(np.longdouble), *(state.astype(np.longdouble) for state in begun.states)]


def reference(case: Case, rule: PC) -> naive.Relaxation:
    """Relax by the reference, from the states in which the engine begins.

    In numbers wider than float64, where the machine has them: the reference takes errors as differences of states and
    predictions, and small ones must be known to float64's own precision.
    """
    assert not isinstance(rule.step_size, str)
    return naive.relax(
        *case.network,
        case.x.astype(np.longdouble),
        case.target,
        rule.steps,
        rule.step_size,
        rule.momentum,
        case.precisions,
        start_states(case, rule),
        rule.tolerance,
    )


def clear_of_kinks(case: Case, rule: PC) -> Case:
    """Return the case without the samples that come near a kink, from whatever start."""
    clear = reference(case, rule).clearance > MARGIN
    return replace(case, x=case.x[clear], target=case.target[clear], labels=case.labels[clear])


def relax(case: Case, rule: TileRule) -> Relaxation:
    """Relax on the engine."""
    return network_of(case).relax(*data_of(case), rule)


def size_of(case: Case, states: Sequence[Array]) -> float:
    """Return the largest number among states, targets and 1: what errors are differences of."""
    return max(1.0, *(float(np.abs(array).max()) for array in (case.x, case.target, *states)))


def distance(found: Sequence[Array], exact: Sequence[Array], scale: float = 0.0) -> float:
    """Return the largest difference in any pair of arrays, relative to its reference's largest number.

    A larger `scale` takes that number's place: where numbers are what is left of larger ones that
    cancel, rounding is relative to those.
    """
    worst = 0.0
    for a, b in zip(found, exact, strict=True):
        assert a.shape == b.shape
        if b.size:
            difference = np.abs(np.asarray(a, np.float64) - b).max()
            largest = max(np.abs(b).max(), scale)
            worst = max(worst, float(difference / largest if largest > 0 else difference))
    return worst


@st.composite
def relaxations(draw: st.DrawFn, case: Case) -> PC:
    """Draw how the states of a case settle: up to 20 stable steps."""
    # At zero, relu has its kink.
    kinked_at_zero = {"relu", "leaky_relu"} & set(case.activations)
    starts = ["feedforward", "random"] if kinked_at_zero else ["feedforward", "random", "zeros"]
    return PC(
        steps=draw(st.integers(0, 20)),
        step_size=case.stable_step(draw(st.floats(0.05, 1.0))),
        momentum=draw(st.sampled_from([0.0, 0.5, 0.9])),
        start=draw(st.sampled_from(starts)),
        precisions=case.precisions,
        tolerance=draw(st.sampled_from([0.0, SETTLED[case.dtype]])),
    )


@st.composite
def relaxed_cases(draw: st.DrawFn) -> tuple[Case, PC]:
    """Draw a case and a rule, without the samples whose kinks are too near."""
    case = draw(cases())
    rule = draw(relaxations(case))
    case = clear_of_kinks(case, rule)
    assume(len(case.x))
    return case, rule
