"""Hypothesis strategies that draw networks, with data to relax and train them on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import naive
from naive import Array
from naive_activations import ACTIVATIONS

LOSSES = ("squared_error", "cross_entropy")
DTYPES = ("float32", "float64")
MARGIN = 1e-3  # states of kinked activations are compared only this far from the kinks


@dataclass(frozen=True, eq=False)
class Case:
    """One network and one batch of data; `make_case` fills in the arrays from the seed.

    All arrays are float64, but hold numbers that `dtype` can hold, so that an engine of either
    precision starts from the same ones as the reference.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    precisions: tuple[float, ...] | None
    dtype: str
    batch_size: int  # as drawn: `len(case.x)` once samples are left out
    seed: int
    weights: list[Array] = field(repr=False)  # scaled to keep the size of the activities
    biases: list[Array] = field(repr=False)
    x: Array = field(repr=False)  # (B, n_0), normal
    target: Array = field(repr=False)  # (B, n_L), normal, or one-hot under cross entropy
    labels: NDArray[np.int64] = field(repr=False)  # (B,), what a one-hot target says

    @property
    def network(self) -> tuple[list[Array], list[Array], tuple[str, ...], str]:
        """The first four arguments of the functions in `naive`."""
        return self.weights, self.biases, self.activations, self.loss

    def stable_step(self, fraction: float = 0.5) -> float:
        """A step size, as a fraction of 1/λ."""
        bound = naive.curvature_bound(self.weights, self.activations, self.loss, self.precisions)
        return fraction / bound

    def clear_of_kinks(self, steps: int, step_size: float, momentum: float = 0.0) -> "Case":
        """This case without the samples that come within `MARGIN` of a kink as they relax.

        Near a kink, rounding decides the derivative. Samples do not touch each other, so leaving
        some out changes nothing for the rest. None may be left.
        """
        relaxed = naive.relax(*self.network, self.x, self.target, steps, step_size, momentum, self.precisions)
        clear = relaxed.clearance > MARGIN
        return replace(self, x=self.x[clear], target=self.target[clear], labels=self.labels[clear])


def make_case(
    sizes: tuple[int, ...],
    activations: tuple[str, ...],
    loss: str = "squared_error",
    precisions: tuple[float, ...] | None = None,
    dtype: str = "float64",
    batch_size: int = 8,
    seed: int = 0,
) -> Case:
    """Draw the arrays of a `Case`, a pure function of the arguments."""
    rng = np.random.default_rng(seed)

    def normal(deviation: float, *shape: int) -> Array:
        return rng.normal(0, deviation, shape).astype(dtype).astype(np.float64)

    weights = [normal(n**-0.5, n, m) for n, m in pairwise(sizes)]
    biases = [normal(0.1, n) for n in sizes[1:]]
    x = normal(1.0, batch_size, sizes[0])
    labels = rng.integers(0, sizes[-1], batch_size)
    one_hot = loss == "cross_entropy"
    target = np.eye(sizes[-1])[labels] if one_hot else normal(1.0, batch_size, sizes[-1])
    return Case(
        sizes, activations, loss, precisions, dtype, batch_size, seed, weights, biases, x, target,
        labels,
    )  # fmt: skip


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    min_hidden: int = 0,
    max_hidden: int = 4,
    max_size: int = 70,
    max_batch: int = 70,
    activations: Sequence[str] = tuple(ACTIVATIONS),
    losses: Sequence[str] = LOSSES,
    dtypes: Sequence[str] = DTYPES,
) -> Case:
    """Draw a network of `min_hidden` to `max_hidden` hidden layers and a batch of data.

    Sizes and batch sizes are any number from 1 on, so most are multiples of no block or vector
    length. Shrinking leads to few, narrow layers and one sample.
    """
    n_hidden = draw(st.integers(min_hidden, max_hidden))
    size = st.integers(1, max_size)
    return make_case(
        sizes=tuple(draw(size) for _ in range(n_hidden + 2)),
        activations=tuple(draw(st.sampled_from(activations)) for _ in range(n_hidden)),
        loss=draw(st.sampled_from(losses)),
        precisions=draw(st.none() | st.tuples(*[st.floats(0.25, 4.0)] * (n_hidden + 1))),
        dtype=draw(st.sampled_from(dtypes)),
        batch_size=draw(st.integers(1, max_batch)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )
