"""Float64 reference of the relaxation in the errors."""

from collections.abc import Sequence

import numpy as np

from naive import Array, Relaxation, effective_precisions, energies, errors, feedforward, kink_distance
from naive_activations import ACTIVATIONS


def relax_errors(
    weights: list[Array],
    biases: list[Array],
    activations: Sequence[str],
    loss: str,
    x: Array,
    target: Array,
    steps: int,
    precisions: Sequence[float] | None = None,
    tolerance: float = 0.0,
    step_size: float | None = None,
) -> Relaxation:
    """Descend the energy in the errors ε_l = x_l - μ_l from the feed-forward pass (ε = 0).

    One step, per sample, <a, b> = Σ_l π_l a_l·b_l over the hidden layers:
        δ_L = π_L e_L;   δ_l = f'(x_l) ⊙ (δ_{l+1} W_{l+1}ᵀ),  r_l = δ_l / π_l - ε_l        l = L-1…1
        α   = `step_size`, if there is one; or else
        α   = ||e_L||² π_L / (||e_L||² π_L + <r, r>)                    at the first step (Rayleigh quotient of 1 + JJᵀ)
        α   = <s, s> / <s, y>, s = last move, y = last r - r, at most 1; 1 where <s, y> <= 0
        ε_l ← ε_l + α r_l;   x_l = μ_l + ε_l, μ_{l+1} = f(x_l) W_{l+1} + b_{l+1}               l = 1…L-1
    """
    n = len(weights)
    pi = effective_precisions(loss, n, precisions)
    network = (weights, biases, activations, loss)
    states, _ = feedforward(weights, biases, activations, x)
    states = [np.array(s, np.float64) for s in states]
    clearance = kink_distance(activations, states)
    energy = [energies(*network, states, target, precisions).mean(axis=0)]
    eps = [np.zeros_like(s) for s in states[1:]]  # lists over 1…L-1 start at index 0
    old_r: list[Array] = []
    move: list[Array] = []
    moving = np.ones(len(x), bool)

    def inner(a: list[Array], b: list[Array]) -> Array:
        total = np.zeros(len(x))
        for precision, u, v in zip(pi, a, b, strict=False):
            total += precision * np.sum(u * v, axis=1)
        return total

    for _ in range(steps):
        top = errors(*network, states, target)[-1]
        delta, r = pi[-1] * top, [np.zeros_like(s) for s in states[1:]]
        for layer in range(n - 1, 0, -1):
            slope = ACTIVATIONS[activations[layer - 1]].derivative(states[layer])
            delta = slope * (delta @ weights[layer].T)
            r[layer - 1] = delta / pi[layer - 1] - eps[layer - 1]
        largest = np.max([np.zeros(len(x)), *(np.abs(p * v).max(axis=1) for p, v in zip(pi, r, strict=False))], axis=0)
        moving &= ~(largest < tolerance)
        if step_size is not None:
            alpha = np.full(len(x), step_size)
        elif not move:
            size = pi[-1] * np.sum(top**2, axis=1)
            reach = size + inner(r, r)
            alpha = np.divide(size, reach, out=np.ones_like(size), where=reach > 0)
        else:
            change = [a - b for a, b in zip(old_r, r, strict=True)]
            square, curvature = inner(move, move), inner(move, change)
            alpha = np.divide(square, curvature, out=np.ones_like(square), where=curvature > 0)
            alpha = np.minimum(alpha, 1)
        move, old_r = [(alpha * moving)[:, None] * v for v in r], r
        for layer in range(1, n):
            eps[layer - 1] = eps[layer - 1] + move[layer - 1]
            below = states[0] if layer == 1 else ACTIVATIONS[activations[layer - 2]].function(states[layer - 1])
            states[layer] = below @ weights[layer - 1] + biases[layer - 1] + eps[layer - 1]
        clearance = np.minimum(clearance, kink_distance(activations, states))
        energy.append(energies(*network, states, target, precisions).mean(axis=0))
    return Relaxation(states, errors(*network, states, target), np.array(energy), clearance)
