"""Residual networks and scales: every kernel that settles tiles, held to the reference over random shapes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastpc import PC, SGD, PCNetwork, Trainer
from fastpc.engine.gram import gram_pays
from fastpc.rules import ZIL, Backprop, ErrorPC, FixedPrediction, IncrementalPC
from naive import Array
from naive_activations import ACTIVATIONS
from naive_residual import Residual, finite_gradient, mupc_scales
from on_engine import distance
from strategies import DTYPES, LOSSES, MARGIN

SMOOTH = ("identity", "tanh", "sigmoid", "gelu", "silu")
TOLERANCE = {"float64": 1e-10, "float32": 1e-3}


@dataclass(frozen=True, eq=False)
class Deep:
    """A residual network twice: the engine's and the reference's."""

    network: PCNetwork
    naive: Residual

    @property
    def data(self) -> tuple[Array, Array]:
        dtype = self.network.dtype
        return self.naive.x.astype(dtype), self.naive.target.astype(dtype)

    @property
    def tolerance(self) -> float:
        return TOLERANCE[self.network.dtype]

    def without(self, near_a_kink: Any) -> "Deep":
        """Leave out samples whose derivatives rounding decides."""
        kept = ~near_a_kink
        assume(kept.any())
        return replace(self, naive=replace(self.naive, x=self.naive.x[kept], target=self.naive.target[kept]))


def make_deep(
    sizes: tuple[int, ...],
    activations: tuple[str, ...],
    loss: str = "squared_error",
    dtype: str = "float64",
    batch_size: int = 20,
    scaling: str | None = "mupc",
    precisions: tuple[float, ...] | None = None,
    seed: int = 0,
) -> Deep:
    rng = np.random.default_rng(seed)
    network = PCNetwork(sizes, activations, loss, dtype, seed, residual=True, scaling=scaling)
    if scaling is None:
        # Orthogonal weights would be added to the identity in every layer.
        network.weights = [0.5 * weights for weights in network.weights]
    network.biases = [rng.normal(0, 0.3, size) for size in sizes[1:]]
    n_layers = len(sizes) - 1
    x = rng.normal(0, 1, (batch_size, sizes[0])).astype(dtype).astype(float)
    target = rng.normal(0, 1, (batch_size, sizes[-1])).astype(dtype).astype(float)
    if loss == "cross_entropy":
        target = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch_size)]
    weights, biases = ([array.astype(float) for array in arrays] for arrays in (network.weights, network.biases))
    scales = [1.0] * n_layers if scaling is None else mupc_scales(sizes)
    pi = (1.0,) * n_layers if precisions is None else precisions
    return Deep(network, Residual(weights, biases, activations, loss, scales, x, target, pi))


@st.composite
def deeps(draw: st.DrawFn, activations: tuple[str, ...] = tuple(ACTIVATIONS), dtypes: Any = DTYPES) -> Deep:
    """Draw a residual network of two to six hidden layers, and a batch."""
    n_hidden = draw(st.integers(2, 6))
    size = st.integers(1, 60)
    width = draw(size)
    return make_deep(
        (draw(size), *(width,) * n_hidden, draw(size)),
        tuple(draw(st.sampled_from(activations)) for _ in range(n_hidden)),
        draw(st.sampled_from(LOSSES)),
        draw(st.sampled_from(dtypes)),
        draw(st.integers(1, 70)),
        draw(st.sampled_from(["mupc", None])),
        draw(st.none() | st.tuples(*[st.floats(0.25, 4.0)] * (n_hidden + 1))),
        draw(st.integers(0, 2**32 - 1)),
    )


def size_of(states: list[Array], deep: Deep) -> float:
    """Return the largest number that errors are differences of."""
    return max(1.0, *(float(np.abs(array).max()) for array in (*states, deep.naive.target)))


@given(deeps())
def test_outputs_are_the_feedforward_pass_s(deep: Deep) -> None:
    assert distance([deep.network.forward(deep.data[0])], [deep.naive.feedforward()[1]]) <= deep.tolerance


@settings(max_examples=100)
@given(deeps(), st.integers(0, 12), st.floats(0.05, 1.0), st.sampled_from([0.0, 0.5]))
def test_plain_relaxation_is_the_reference_s(deep: Deep, steps: int, fraction: float, momentum: float) -> None:
    step = fraction / deep.naive.curvature_bound()
    deep = deep.without(deep.naive.clearance(deep.naive.relax(steps, step, momentum)) <= MARGIN)
    passed = deep.naive.relax(steps, step, momentum)
    rule = PC(steps, step, momentum, precisions=tuple(deep.naive.precisions))
    found, scale = deep.network.relax(*deep.data, rule), size_of(passed[-1], deep)
    assert distance(found.states, passed[-1][1:], scale) <= deep.tolerance
    assert distance(found.errors, deep.naive.errors(passed[-1]), scale) <= deep.tolerance
    energies = np.array([deep.naive.energies(states) for states in passed])
    assert distance([found.energy], [energies], scale**2) <= deep.tolerance
    exact = deep.naive.weight_gradient(passed[-1])
    weights, biases = deep.network.gradient(*deep.data, rule)
    assert distance([*weights, *biases], [*exact.weights, *exact.biases], 4 * scale**2) <= deep.tolerance


@given(deeps(), st.integers(0, 6), st.floats(0.05, 0.4))
def test_every_sweep_over_the_errors_is_the_reference_s(deep: Deep, steps: int, step: float) -> None:
    deep = deep.without(deep.naive.clearance(deep.naive.sweep(steps, step)) <= MARGIN)
    states = deep.naive.sweep(steps, step)[-1]
    scale = size_of(states, deep)
    # Not every fixed step is stable, and a sweep that diverges multiplies rounding with everything else.
    assume(scale < 100)
    found = deep.network.relax(*deep.data, ErrorPC(steps, step, tuple(deep.naive.precisions)))
    assert distance(found.states, states[1:], scale) <= deep.tolerance
    assert distance(found.errors, deep.naive.errors(states), scale) <= deep.tolerance


@pytest.mark.parametrize(
    "rule", [Backprop(), ZIL(), FixedPrediction(steps=6, step_size=1.0)], ids=lambda rule: rule.name
)
@given(deep=deeps(dtypes=("float64",)))
def test_rules_that_reach_backpropagation_do_so_here(rule: Any, deep: Deep) -> None:
    deep = deep.without(deep.naive.clearance([deep.naive.feedforward()[0]]) <= MARGIN)
    deep = replace(deep, naive=replace(deep.naive, precisions=(1.0,) * deep.naive.depth))
    weights, biases = deep.network.gradient(*deep.data, rule)
    exact = deep.naive.backprop_gradient()
    assert distance([*weights, *biases], [*exact.weights, *exact.biases], 1.0) <= 1e-10


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scaling", ["mupc", None])
def test_the_gradients_are_finite_differences_of_the_energy(loss: str, scaling: str | None) -> None:
    deep = make_deep((4, 3, 3, 3, 2), ("tanh", "gelu", "sigmoid"), loss, batch_size=5, scaling=scaling)
    rule = PC(steps=3, step_size=0.1)
    states = [deep.naive.x, *deep.network.relax(*deep.data, rule).states]
    weights, biases = deep.network.gradient(*deep.data, rule)

    def energy() -> float:
        return float(deep.naive.energies(states).sum())

    exact = finite_gradient(energy, [*deep.naive.weights, *deep.naive.biases])
    assert distance([*weights, *biases], exact, 1.0) <= 1e-8
    # Per sample, so the mean over the batch is taken back; the states' gradient is what one small step takes.
    before = deep.naive.feedforward()[0]

    def energy_before() -> float:
        return float(deep.naive.energies(before).sum())

    downhill = finite_gradient(energy_before, before[1:])
    moved = deep.network.relax(*deep.data, PC(steps=1, step_size=1.0)).states
    steps = [state - start for state, start in zip(moved, before[1:], strict=True)]
    assert distance(steps, [-len(before[0]) * gradient for gradient in downhill], 1.0) <= 1e-8


@given(deeps(activations=SMOOTH, dtypes=("float64",)))
def test_energy_never_rises_at_the_automatic_step(deep: Deep) -> None:
    rule = PC(steps=20, step_size="auto", precisions=tuple(deep.naive.precisions))
    total = deep.network.relax(*deep.data, rule).energy.sum(axis=1)
    assert np.all(np.diff(total) <= 1e-12 * total[0])


def test_a_settled_sample_stays_where_it_is() -> None:
    deep = make_deep((7, 9, 9, 9, 9, 4), ("tanh",) * 4, batch_size=40)
    rule = PC(steps=20_000, step_size="auto", tolerance=1e-4)
    found = deep.network.relax(*deep.data, rule)
    assert 10 < found.steps < 20_000
    gradient = deep.naive.state_gradient([deep.naive.x, *found.states])
    assert max(np.abs(part).max() for part in gradient) <= 1.01e-4


def test_the_same_equilibrium_by_states_and_by_errors() -> None:
    deep = make_deep((7, 9, 9, 9, 9, 4), ("tanh",) * 4, batch_size=40)
    by_states = deep.network.relax(*deep.data, PC(steps=6000, step_size="auto", momentum=0.9))
    by_errors = deep.network.relax(*deep.data, ErrorPC(steps=300))
    assert distance(by_states.states, by_errors.states) <= 1e-8


@pytest.mark.parametrize("rule", [PC(steps=4, step_size=0.1), IncrementalPC(steps=1)], ids=lambda rule: rule.name)
@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_training_takes_the_steps_that_the_reference_says(rule: Any, clip_norm: float | None) -> None:
    deep = make_deep((7, 9, 9, 9, 4), ("tanh", "gelu", "silu"), batch_size=40)
    states = deep.naive.relax(rule.steps if isinstance(rule, PC) else 0, 0.1)[-1]
    exact = deep.naive.weight_gradient(states)
    length = np.sqrt(sum(np.sum(part**2) for part in (*exact.weights, *exact.biases)))
    factor = 1.0 if clip_norm is None else clip_norm / length
    assert factor <= 1
    before = [array.copy() for array in (*deep.network.weights, *deep.network.biases)]
    Trainer(deep.network, rule, SGD(0.1, clip_norm=clip_norm), 40).fit(deep.data)
    taken = [start - now for start, now in zip(before, (*deep.network.weights, *deep.network.biases), strict=True)]
    assert distance(taken, [0.1 * factor * part for part in (*exact.weights, *exact.biases)]) <= 1e-10


def test_a_wide_output_relaxes_through_its_gram_matrix_as_without() -> None:
    sizes = (5, 8, 8, 120)
    assert gram_pays(sizes, 6, 64, 0)
    deep = make_deep(sizes, ("tanh", "gelu"), batch_size=64)
    states = deep.naive.relax(6, 0.1)[-1]
    exact = deep.naive.weight_gradient(states)
    before = [weights.copy() for weights in deep.network.weights]
    Trainer(deep.network, PC(steps=6, step_size=0.1), SGD(0.1), 64).fit(deep.data)
    taken = [start - now for start, now in zip(before, deep.network.weights, strict=True)]
    assert distance(taken, [0.1 * part for part in exact.weights]) <= 1e-10


@pytest.mark.parametrize("rule", [PC(steps=5, step_size="auto"), ErrorPC(steps=3), IncrementalPC(steps=3)], ids=repr)
def test_threads_change_no_bit(rule: Any) -> None:
    found = []
    for threads in (1, 2):
        deep = make_deep((13, 17, 17, 17, 5), ("relu", "tanh", "gelu"), dtype="float32", batch_size=150)
        Trainer(deep.network, rule, SGD(0.1), 64, threads=threads).fit(deep.data, epochs=2)
        found.append(deep.network.parameters.tobytes())
    assert found[0] == found[1]
