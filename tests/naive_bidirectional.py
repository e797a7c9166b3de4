"""A slow, obvious float64 reference for bidirectional networks: two of `naive`'s networks around the same states.

states : lists of x_l (B, n_l), for l = 0…L, image and label included

What a direction sees of them, and what it clamps, is `Direction`'s; all else is a sum of what `naive` says of the two.
Gradients are true gradients, to be *subtracted*, as there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import naive
from naive import Array, Parameters


class Direction(NamedTuple):
    """One direction: a network in its own order of layers, and the weight of its errors."""

    weights: list[Array]
    biases: list[Array]
    activations: Sequence[str]
    loss: str
    alpha: float

    @property
    def network(self) -> tuple[list[Array], list[Array], Sequence[str], str]:
        return self.weights, self.biases, self.activations, self.loss

    @property
    def precisions(self) -> list[float]:
        return [self.alpha] * len(self.weights)


class Directions(NamedTuple):
    """Bottom-up and top-down."""

    up: Direction
    down: Direction


def energies(both: Directions, states: Sequence[Array]) -> tuple[Array, Array]:
    """Each direction's energies, (B, L) in its own order of layers, times its alpha."""
    return (
        naive.energies(*both.up.network, states[:-1], states[-1], both.up.precisions),
        naive.energies(*both.down.network, states[:0:-1], states[0], both.down.precisions),
    )


def mean_energy(both: Directions, states: Sequence[Array]) -> float:
    """F, a mean over the batch."""
    return float(sum(energy.sum(axis=1).mean() for energy in energies(both, states)))


def errors(both: Directions, states: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Each direction's errors in its own order of layers, without alpha."""
    return (
        naive.errors(*both.up.network, states[:-1], states[-1]),
        naive.errors(*both.down.network, states[:0:-1], states[0]),
    )


def state_gradient(both: Directions, states: Sequence[Array]) -> list[Array]:
    """∂F/∂x_l for the hidden layers l = 1…L-1, per sample."""
    up = naive.state_gradient(*both.up.network, states[:-1], states[-1], both.up.precisions)
    down = naive.state_gradient(*both.down.network, states[:0:-1], states[0], both.down.precisions)
    return [a + b for a, b in zip(up, reversed(down), strict=True)]


def start(both: Directions, image: Array, label: Array) -> list[Array]:
    """x_0…x_L: the bottom-up feed-forward pass between the clamped image and label."""
    hidden, _ = naive.feedforward(both.up.weights, both.up.biases, both.up.activations, image)
    return [*hidden, label]


class Relaxation(NamedTuple):
    """Where a relaxation ended, and how it went."""

    states: list[Array]  # x_0…x_L, at the end
    energies: tuple[Array, Array]  # (steps + 1, L) each, the batch's means
    clearance: Array  # (B,), the closest that any state of a sample ever came to a kink


def relax(both: Directions, image: Array, label: Array, steps: int, step_size: float) -> Relaxation:
    """Descend the energy from the feed-forward states, all hidden layers at once."""
    states = [np.array(state, np.float64) for state in start(both, image, label)]
    clearance = naive.kink_distance(both.up.activations, states[:-1])
    measured = [energies(both, states)]
    for _ in range(steps):
        gradient = state_gradient(both, states)
        states = [states[0], *(x - step_size * g for x, g in zip(states[1:-1], gradient, strict=True)), states[-1]]
        clearance = np.minimum(clearance, naive.kink_distance(both.up.activations, states[:-1]))
        measured.append(energies(both, states))
    up, down = (np.array([pair[k].mean(axis=0) for pair in measured]) for k in range(2))
    return Relaxation(states, (up, down), clearance)


def weight_gradient(both: Directions, states: Sequence[Array]) -> tuple[Parameters, Parameters]:
    """Each direction's ∂F/∂W and ∂F/∂b, batch means with the states held."""
    return (
        naive.weight_gradient(*both.up.network, states[:-1], states[-1], both.up.precisions),
        naive.weight_gradient(*both.down.network, states[:0:-1], states[0], both.down.precisions),
    )


def curvature_bound(both: Directions) -> float:
    """λ: the sum of both directions' bounds."""
    return sum(
        naive.curvature_bound(one.weights, one.activations, one.loss, one.precisions) for one in (both.up, both.down)
    )
