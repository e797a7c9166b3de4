"""Random bidirectional networks with data, for the engine and for the reference, from the cases of `strategies`."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

import naive_bidirectional as naive
from fastpc import BidirectionalNetwork, BidirectionalPC
from fastpc.network import PCNetwork
from naive import Array
from strategies import Case, cases, make_case


@dataclass(frozen=True, eq=False)
class TwoWayCase:
    """A case for each direction, the second with the sizes of the first reversed, and the rule that joins them."""

    up: Case
    down: Case  # its weights alone matter
    rule: BidirectionalPC

    @property
    def directions(self) -> naive.Directions:
        """The networks as the reference takes them."""
        up, down, rule = self.up, self.down, self.rule
        return naive.Directions(
            naive.Direction(up.weights, up.biases, up.activations, up.loss, rule.alpha_discriminative),
            naive.Direction(down.weights, down.biases, down.activations, "squared_error", rule.alpha_generative),
        )

    @property
    def network(self) -> BidirectionalNetwork:
        """The networks as the engine takes them."""
        network = BidirectionalNetwork(self.up.sizes, self.up.activations, self.up.loss, self.up.dtype)
        for part, case in ((network.recognition, self.up), (network.generation, self.down)):
            part.weights, part.biases = case.weights, case.biases
        return network

    @property
    def data(self) -> tuple[Array, Array]:
        """Images and labels, in the network's dtype."""
        return self.up.x.astype(self.up.dtype), self.up.target.astype(self.up.dtype)

    def reference(self) -> naive.Relaxation:
        """Relax by the float64 reference."""
        assert not isinstance(self.rule.step_size, str)
        return naive.relax(self.directions, self.up.x, self.up.target, self.rule.steps, self.rule.step_size)

    def keep(self, samples: Array) -> "TwoWayCase":
        """Return the case with these samples alone."""
        up = self.up
        return replace(self, up=replace(up, x=up.x[samples], target=up.target[samples], labels=up.labels[samples]))


def join(up: Case, rule: BidirectionalPC) -> TwoWayCase:
    """Draw the other direction's weights, a pure function of the arguments."""
    down = make_case(
        up.sizes[::-1], up.activations[::-1], "squared_error", None, up.dtype, batch_size=1, seed=up.seed ^ 1
    )  # fmt: skip
    return TwoWayCase(up, down, rule)


@st.composite
def two_way_cases(draw: st.DrawFn, **limits: object) -> TwoWayCase:
    """Draw sizes, activations, data and a stable rule."""
    up = draw(cases(**limits))  # type: ignore[arg-type]
    alphas = st.floats(1e-3, 2.0)
    rule = BidirectionalPC(
        steps=draw(st.integers(0, 12)), alpha_discriminative=draw(alphas), alpha_generative=draw(alphas)
    )
    case = join(up, rule)
    step = draw(st.floats(0.05, 1.0)) / naive.curvature_bound(case.directions)
    return replace(case, rule=replace(rule, step_size=step))


def parts_of(network: BidirectionalNetwork, flat: Array) -> tuple[PCNetwork, PCNetwork]:
    """Return a vector laid out as the network's parameters are as two networks' weights and biases, up and down."""
    holder = BidirectionalNetwork(network.sizes, network.activations, network.loss, network.dtype)
    holder.parameters[:] = flat
    return holder.recognition, holder.generation


def largest(arrays: list[Array]) -> float:
    """Return the largest number in any of the arrays, at least 1."""
    return max(1.0, *(float(np.abs(array).max()) for array in arrays if array.size))
