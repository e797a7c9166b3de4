"""Slow, obvious float64 references for the compiled engine; wider still where the inputs or states are.

Layers 0…L; arrays are batch-first. Throughout:

weights, biases : lists of W_l (n_{l-1}, n_l) and b_l (n_l), for l = 1…L
activations     : names for the hidden layers 1…L-1 (layer 0 has the identity, always)
loss            : "squared_error" or "cross_entropy"
precisions      : π_1…π_L, or None for ones; cross entropy ignores π_L
states          : lists of x_l (B, n_l), for l = 0…L-1; the top is clamped at the target (B, n_L)

Gradients are true gradients, to be *subtracted*: state gradients per sample, weight gradients
of the batch's mean energy.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from naive_activations import ACTIVATIONS

Array = NDArray[np.float64]
Arrays = Sequence[Array]
Precisions = Sequence[float] | None


class Parameters(NamedTuple):
    """One array per layer of each kind: parameters, their gradients, an optimiser's memory."""

    weights: list[Array]
    biases: list[Array]


class Relaxation(NamedTuple):
    """Where a relaxation ended, and how it went."""

    states: list[Array]  # x_0…x_{L-1}, at the end
    errors: list[Array]  # e_1…e_L, at the end
    energies: Array  # (steps + 1, L), the batch's mean before each step and at the end
    clearance: Array  # (B,), the closest that any state of a sample ever came to a kink


def wide(numbers: NDArray[np.floating]) -> Array:
    """The numbers in float64, or wider if they are."""
    return np.asarray(numbers, np.result_type(numbers, np.float64))


def activities(activations: Sequence[str], states: Arrays) -> list[Array]:
    """f(x_l) for l = 0…L-1, f being the identity at layer 0."""
    names = ["identity", *activations]
    return [ACTIVATIONS[name].function(x) for name, x in zip(names, states, strict=True)]


def feedforward(weights: Arrays, biases: Arrays, activations: Sequence[str], x: Array) -> tuple[list[Array], Array]:
    """The states x_0…x_{L-1} at which every hidden error is zero, and the output μ_L."""
    states = [wide(x)]
    for weight, bias, name in zip(weights, biases, ["identity", *activations], strict=True):
        states.append(ACTIVATIONS[name].function(states[-1]) @ weight + bias)
    return states[:-1], states[-1]


def predictions(weights: Arrays, biases: Arrays, activations: Sequence[str], states: Arrays) -> list[Array]:
    """μ_1…μ_L, each from the state below it."""
    below = activities(activations, states)
    return [a @ weight + bias for a, weight, bias in zip(below, weights, biases, strict=True)]


def errors(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
) -> list[Array]:
    """e_1…e_L; the top one is y - softmax(μ_L) under cross entropy."""
    mu = predictions(weights, biases, activations, states)
    output = softmax(mu[-1], axis=1) if loss == "cross_entropy" else mu[-1]
    return [x - m for x, m in zip(states[1:], mu[:-1], strict=True)] + [target - output]


def effective_precisions(loss: str, n_layers: int, precisions: Precisions) -> list[float]:
    """π_1…π_L as the errors meet them: cross entropy leaves the top one at 1."""
    pi = [1.0] * n_layers if precisions is None else list(precisions)
    return [*pi[:-1], 1.0] if loss == "cross_entropy" else pi


def energies(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
) -> Array:
    """The energy of every layer 1…L and sample, (B, L)."""
    e = errors(weights, biases, activations, loss, states, target)
    pi = effective_precisions(loss, len(weights), precisions)
    energy = [0.5 * p * np.sum(error**2, axis=1) for p, error in zip(pi, e, strict=True)]
    if loss == "cross_entropy":
        mu = predictions(weights, biases, activations, states)
        energy[-1] = -np.sum(target * log_softmax(mu[-1], axis=1), axis=1)
    return np.stack(energy, axis=1)


def state_gradient(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
) -> list[Array]:
    """∂F/∂x_l for the hidden layers l = 1…L-1: π_l e_l - f'(x_l) ⊙ (π_{l+1} e_{l+1} W_{l+1}ᵀ)."""
    e = errors(weights, biases, activations, loss, states, target)
    pi = effective_precisions(loss, len(weights), precisions)
    gradient = []
    for layer in range(1, len(weights)):  # lists over 1…L start at index 0: e[l - 1] is e_l
        slope = ACTIVATIONS[activations[layer - 1]].derivative(states[layer])
        gradient.append(pi[layer - 1] * e[layer - 1] - slope * (pi[layer] * e[layer] @ weights[layer].T))
    return gradient


def relax(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    x: Array,
    target: Array,
    steps: int,
    step_size: float,
    momentum: float = 0.0,
    precisions: Precisions = None,
    states: Arrays | None = None,
    tolerance: float = 0.0,
) -> Relaxation:
    """Descend the energy from the feed-forward pass, or from `states` (x_0…x_{L-1}).

    A sample stays where it is from the step at which the largest entry of its state gradient, over
    all hidden layers, is below `tolerance`.
    """
    if states is None:
        states, _ = feedforward(weights, biases, activations, x)
    network = (weights, biases, activations, loss)
    states = [wide(state).copy() for state in states]
    velocities = [np.zeros_like(state) for state in states[1:]]
    clearance = kink_distance(activations, states)
    energy = [energies(*network, states, target, precisions).mean(axis=0)]
    for _ in range(steps):
        gradient = state_gradient(*network, states, target, precisions)
        largest = np.max([np.zeros(len(x)), *(np.abs(g).max(axis=1) for g in gradient)], axis=0)
        moving = ~(largest < tolerance)
        for state, velocity, g in zip(states[1:], velocities, gradient, strict=True):
            velocity[moving] = momentum * velocity[moving] - step_size * g[moving]
            state[moving] += velocity[moving]
        clearance = np.minimum(clearance, kink_distance(activations, states))
        energy.append(energies(*network, states, target, precisions).mean(axis=0))
    return Relaxation(states, errors(*network, states, target), np.array(energy), clearance)


def kink_distance(activations: Sequence[str], states: Arrays) -> Array:
    """How close each sample's hidden states are to a kink of their activation, (B,)."""
    distance = np.full(len(states[0]), np.inf)
    for name, state in zip(activations, states[1:], strict=True):
        for kink in ACTIVATIONS[name].kinks:
            distance = np.minimum(distance, np.abs(state - kink).min(axis=1))
    return distance


def weight_gradient(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
) -> Parameters:
    """∂F/∂W_l and ∂F/∂b_l, the states held: batch means of -f(x_{l-1})ᵀ π_l e_l and -π_l e_l."""
    below = activities(activations, states)
    e = errors(weights, biases, activations, loss, states, target)
    pi = effective_precisions(loss, len(weights), precisions)
    pulls = [p * error for p, error in zip(pi, e, strict=True)]
    return Parameters(
        [-a.T @ pull / len(target) for a, pull in zip(below, pulls, strict=True)],
        [-pull.mean(axis=0) for pull in pulls],
    )


def backprop_gradient(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    x: Array,
    target: Array,
    precisions: Precisions = None,
) -> Parameters:
    """The gradient of the loss of the feed-forward pass, by the chain rule."""
    states, _ = feedforward(weights, biases, activations, x)
    below = activities(activations, states)
    pi = effective_precisions(loss, len(weights), precisions)
    delta = -pi[-1] * errors(weights, biases, activations, loss, states, target)[-1]
    gradient = Parameters([], [])
    for layer in range(len(weights), 0, -1):
        gradient.weights.insert(0, below[layer - 1].T @ delta / len(x))
        gradient.biases.insert(0, delta.mean(axis=0))
        if layer > 1:
            slope = ACTIVATIONS[activations[layer - 2]].derivative(states[layer - 1])
            delta = delta @ weights[layer - 1].T * slope
    return gradient


def finite_differences(energy: Callable[[], float], array: Array, width: float = 1e-5) -> Array:
    """Central differences of `energy()` in every entry of `array`, which is restored."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        held = array[index]
        array[index] = held + width
        above = energy()
        array[index] = held - width
        gradient[index] = (above - energy()) / (2 * width)
        array[index] = held
    return gradient


def finite_weight_gradient(
    weights: Arrays,
    biases: Arrays,
    activations: Sequence[str],
    loss: str,
    states: Arrays,
    target: Array,
    precisions: Precisions = None,
) -> Parameters:
    """`weight_gradient` by finite differences of the energy, the states held."""
    weights = [weight.copy() for weight in weights]
    biases = [bias.copy() for bias in biases]

    def energy() -> float:
        layers = energies(weights, biases, activations, loss, states, target, precisions)
        return float(layers.sum(axis=1).mean())

    return Parameters(
        [finite_differences(energy, weight) for weight in weights],
        [finite_differences(energy, bias) for bias in biases],
    )


def linear_equilibrium(
    weights: Arrays,
    biases: Arrays,
    x: Array,
    target: Array,
    precisions: Precisions = None,
    prior: float | None = None,
) -> list[Array]:
    """x_0…x_{L-1} at the energy's minimum, for a linear network with squared error.

    With all moving states side by side in z, every error is affine, e_l = z D_l + c_l, so the
    minimum of Σ ½ π_l ‖e_l‖² solves z Σ π_l D_l D_lᵀ = -Σ π_l c_l D_lᵀ. With a `prior` π_0, layer 0
    is free as well, its error is x_0 itself, and `x` says only how wide it is.
    """
    pi = effective_precisions("squared_error", len(weights), precisions)
    lowest = 1 if prior is None else 0
    widths = [x.shape[1], *(weight.shape[1] for weight in weights)]
    ends = np.cumsum([0, *widths[lowest:-1]])
    select = [np.eye(ends[-1])[:, a:b] for a, b in pairwise(ends)]
    # z @ pick[l] is x_l, or 0 where layer l is clamped
    pick = [np.zeros((ends[-1], n)) for n in widths[:lowest]] + select + [np.zeros((ends[-1], widths[-1]))]
    clamped = [x if lowest else 0 * x, *(np.zeros((len(x), n)) for n in widths[1:-1]), target]
    hessian, pull = (prior or 0.0) * pick[0] @ pick[0].T, np.zeros((len(x), ends[-1]))
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        d = pick[layer] - pick[layer - 1] @ weight
        c = clamped[layer] - clamped[layer - 1] @ weight - bias
        hessian += pi[layer - 1] * d @ d.T
        pull -= pi[layer - 1] * c @ d.T
    z = np.linalg.solve(hessian, pull.T).T
    return [*([x] if lowest else []), *(z @ s for s in select)]


def spectral_norm(weight: Array) -> float:
    """‖W‖₂, the largest singular value."""
    return float(np.linalg.norm(weight, 2))


def curvature_bound(weights: Arrays, activations: Sequence[str], loss: str, precisions: Precisions = None) -> float:
    """λ = π_max (1 + s)², s = max over l ≥ 2 of Lip(f_{l-1}) ‖W_l‖₂: steps below 2/λ are stable.

    But for f'' terms, λ bounds the energy's curvature in the hidden states.
    """
    gains = [
        ACTIVATIONS[name].lipschitz * spectral_norm(weight)
        for name, weight in zip(activations, weights[1:], strict=True)
    ]
    pi_max = max(effective_precisions(loss, len(weights), precisions))
    return pi_max * (1 + max(gains, default=0.0)) ** 2
