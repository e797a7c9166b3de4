"""Slow, obvious float64 references for networks whose layer 0 is free, and for the hybrid start.

As in `naive`, with one more precision: `prior` is π_0 of a Gaussian around 0 that layer 0's states come from; at 0
nothing is known of them. Layer 0's energy is ½ π_0 ‖x_0‖².
"""

from collections.abc import Sequence

import numpy as np

import naive
from naive import Array, Arrays, Precisions


def energies(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
    prior: float = 0.0,
) -> Array:
    """The energy of every layer 0…L and sample, (B, L + 1)."""
    first = 0.5 * prior * np.sum(states[0] ** 2, axis=1, keepdims=True)
    return np.hstack([first, naive.energies(weights, biases, activations, loss, states, target, precisions)])


def state_gradient(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
    prior: float = 0.0,
) -> list[Array]:
    """∂F/∂x_l for l = 0…L-1; at layer 0, π_0 x_0 - π_1 e_1 W_1ᵀ."""
    network = (weights, biases, activations, loss)
    pi = naive.effective_precisions(loss, len(weights), precisions)
    error = naive.errors(*network, states, target)[0]
    first = prior * states[0] - pi[0] * error @ weights[0].T
    return [first, *naive.state_gradient(*network, states, target, precisions)]


def relax(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    steps: int,
    step_size: float,
    momentum: float = 0.0,
    precisions: Precisions = None,
    prior: float = 0.0,
) -> naive.Relaxation:
    """Descend the energy from `states` (x_0…x_{L-1}), layer 0 moving with the others; energies are of layers 0…L."""
    network = (weights, biases, activations, loss)
    states = [np.array(state, np.float64) for state in states]
    velocities = [np.zeros_like(state) for state in states]
    clearance = naive.kink_distance(activations, states)
    energy = [energies(*network, states, target, precisions, prior).mean(axis=0)]
    for _ in range(steps):
        gradient = state_gradient(*network, states, target, precisions, prior)
        for state, velocity, g in zip(states, velocities, gradient, strict=True):
            velocity[:] = momentum * velocity - step_size * g
            np.add(state, velocity, out=state)
        clearance = np.minimum(clearance, naive.kink_distance(activations, states))
        energy.append(energies(*network, states, target, precisions, prior).mean(axis=0))
    return naive.Relaxation(states, naive.errors(*network, states, target), np.array(energy), clearance)


def curvature_bound(
    weights: Arrays, activations: Sequence[str], loss: str, precisions: Precisions = None, prior: float = 0.0
) -> float:
    """λ as in `naive`, where layer 0 moves too: W_1 counts as well, and π_0."""
    gains = [
        naive.ACTIVATIONS[name].lipschitz * naive.spectral_norm(weight)
        for name, weight in zip(["identity", *activations], weights, strict=True)
    ]
    pi_max = max(prior, *naive.effective_precisions(loss, len(weights), precisions))
    return pi_max * (1 + max(gains)) ** 2
