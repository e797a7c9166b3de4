"""Float64 references of the rules that come near to backpropagation, or reach it."""

from collections.abc import Sequence

import numpy as np

import naive
from naive import Array, Parameters
from naive_activations import ACTIVATIONS

Network = tuple[list[Array], list[Array], Sequence[str], str]


def slopes(activations: Sequence[str], states: Sequence[Array]) -> list[Array]:
    """f'(x_l) for l = 1…L-1."""
    return [ACTIVATIONS[name].derivative(x) for name, x in zip(activations, states[1:], strict=True)]


def gradient_from(activities: Sequence[Array], errors: Sequence[Array]) -> Parameters:
    """Batch means of -a_{l-1}ᵀ e_l and -e_l."""
    pairs = zip(activities, errors, strict=True)
    return Parameters([-a.T @ e / len(e) for a, e in pairs], [-e.mean(axis=0) for e in errors])


def relax_fixed(network: Network, x: Array, target: Array, steps: int, step_size: float) -> list[Array]:
    """The errors e_1…e_L of fixed-prediction predictive coding."""
    weights, _, activations, _ = network
    states, _ = naive.feedforward(*network[:3], x)
    errors = naive.errors(*network, states, target)
    slope = slopes(activations, states)
    for _ in range(steps):
        pulls = [f * (e @ weight.T) for f, e, weight in zip(slope, errors[1:], weights[1:], strict=True)]
        moved = [e + step_size * (pull - e) for e, pull in zip(errors[:-1], pulls, strict=True)]
        errors = [*moved, errors[-1]]
    return errors


def fixed_gradient(network: Network, x: Array, target: Array, steps: int, step_size: float) -> Parameters:
    """The weights' gradient of fixed-prediction predictive coding."""
    states, _ = naive.feedforward(*network[:3], x)
    return gradient_from(naive.activities(network[2], states), relax_fixed(network, x, target, steps, step_size))


def run_schedule(network: Network, x: Array, target: Array) -> tuple[list[Array], list[Array], list[Array], Array]:
    """Z-IL: plain relaxation with γ = 1; return x_1…x_{L-1} at its end, what W_l took on the way, and the energies.

    W_l takes e_l and f(x_{l-1}) as they are after t = L - l steps.
    """
    n = len(network[0])
    states, _ = naive.feedforward(*network[:3], x)
    states = [np.array(state) for state in states]
    activities, errors, energies = [x] * n, [x] * n, []
    for t in range(n):
        energies.append(naive.energies(*network, states, target).mean(axis=0))
        layer = n - t
        errors[layer - 1] = naive.errors(*network, states, target)[layer - 1]
        activities[layer - 1] = naive.activities(network[2], states)[layer - 1]
        if t < n - 1:
            gradient = naive.state_gradient(*network, states, target)
            states = [states[0], *(state - g for state, g in zip(states[1:], gradient, strict=True))]
    return states, activities, errors, np.array(energies)
