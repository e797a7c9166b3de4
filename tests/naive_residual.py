"""Float64 reference of residual networks, with scales: everything that `naive` says of plain ones.

μ_l = a_l (f(x_{l-1}) W_l + b_l), and x_{l-1} more for 1 < l < L. Arrays, names and signs are those of `naive`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

import naive
from naive import Array, Arrays, Parameters
from naive_activations import ACTIVATIONS


def mupc_scales(sizes: Sequence[int]) -> list[float]:
    """a_1…a_L of the μPC parametrisation: hidden layers N wide, L weight matrices, L - 2 skips."""
    n_layers, width = len(sizes) - 1, sizes[1]
    inner = [1 / np.sqrt(width * (n_layers - 2))] * (n_layers - 2)
    return [1 / np.sqrt(sizes[0]), *inner, 1 / width]


@dataclass(frozen=True)
class Residual:
    """A network, the data clamped to it, and precisions π_1…π_L."""

    weights: list[Array]
    biases: list[Array]
    activations: Sequence[str]
    loss: str
    scales: Sequence[float]
    x: Array
    target: Array
    precisions: Sequence[float]

    @property
    def depth(self) -> int:
        """L."""
        return len(self.weights)

    def has_skip(self, l: int) -> bool:
        """Whether x_{l-1} is a part of μ_l."""
        return 1 < l < self.depth

    def activity(self, states: Arrays, l: int) -> Array:
        """f(x_l)."""
        return states[0] if l == 0 else ACTIVATIONS[self.activations[l - 1]].function(states[l])

    def slope(self, states: Arrays, l: int) -> Array:
        """f'(x_l)."""
        return ACTIVATIONS[self.activations[l - 1]].derivative(states[l])

    def prediction(self, states: Arrays, l: int) -> Array:
        """μ_l."""
        product = self.activity(states, l - 1) @ self.weights[l - 1] + self.biases[l - 1]
        return self.scales[l - 1] * product + (states[l - 1] if self.has_skip(l) else 0)

    def feedforward(self) -> tuple[list[Array], Array]:
        """x_0…x_{L-1} and μ_L."""
        states = [self.x]
        for l in range(1, self.depth):
            states.append(self.prediction(states, l))
        return states, self.prediction(states, self.depth)

    def errors(self, states: Arrays) -> list[Array]:
        """e_1…e_L."""
        output = self.prediction(states, self.depth)
        top = self.target - (softmax(output, axis=1) if self.loss == "cross_entropy" else output)
        return [states[l] - self.prediction(states, l) for l in range(1, self.depth)] + [top]

    def weighted_errors(self, states: Arrays) -> list[Array]:
        """π_l e_l, l = 1…L."""
        pi = naive.effective_precisions(self.loss, self.depth, self.precisions)
        return [p * e for p, e in zip(pi, self.errors(states), strict=True)]

    def energies(self, states: Arrays) -> Array:
        """Each layer's energy, a mean over the batch, (L,)."""
        pi = naive.effective_precisions(self.loss, self.depth, self.precisions)
        pairs = zip(pi, self.errors(states), strict=True)
        energy = [0.5 * p * np.sum(e**2, axis=1).mean() for p, e in pairs]
        if self.loss == "cross_entropy":
            output = self.prediction(states, self.depth)
            energy[-1] = -np.sum(self.target * log_softmax(output, axis=1), axis=1).mean()
        return np.array(energy)

    def pulled_down(self, states: Arrays, signal: Array, l: int) -> Array:
        """What a signal of layer l + 1 is worth at layer l: through the weights, and along the skip."""
        through = self.slope(states, l) * (self.scales[l] * signal @ self.weights[l].T)
        return through + (signal if self.has_skip(l + 1) else 0)

    def state_gradient(self, states: Arrays) -> list[Array]:
        """∂F/∂x_l for l = 1…L-1, per sample."""
        pulls = self.weighted_errors(states)
        return [pulls[l - 1] - self.pulled_down(states, pulls[l], l) for l in range(1, self.depth)]

    def relax(self, steps: int, step_size: float, momentum: float = 0.0) -> list[list[Array]]:
        """x_0…x_{L-1} after 0, 1, … steps from the feed-forward pass."""
        states, _ = self.feedforward()
        velocities = [np.zeros_like(state) for state in states[1:]]
        passed = [states]
        for _ in range(steps):
            gradient = self.state_gradient(states)
            velocities = [momentum * v - step_size * g for v, g in zip(velocities, gradient, strict=True)]
            states = [states[0], *(x + v for x, v in zip(states[1:], velocities, strict=True))]
            passed.append(states)
        return passed

    def sweep(self, steps: int, step_size: float) -> list[list[Array]]:
        """x_0…x_{L-1} after 0, 1, … sweeps over the errors, with a fixed step."""
        states, _ = self.feedforward()
        pi = naive.effective_precisions(self.loss, self.depth, self.precisions)
        passed, errors = [states], [np.zeros_like(state) for state in states[1:]]
        for _ in range(steps):
            delta = self.weighted_errors(states)[-1]
            for l in range(self.depth - 1, 0, -1):
                delta = self.pulled_down(states, delta, l)
                errors[l - 1] = errors[l - 1] + step_size * (delta / pi[l - 1] - errors[l - 1])
            states = [self.x]
            for l in range(1, self.depth):
                states.append(self.prediction(states, l) + errors[l - 1])
            passed.append(states)
        return passed

    def weight_gradient(self, states: Arrays, pulls: Arrays | None = None) -> Parameters:
        """∂F/∂W_l and ∂F/∂b_l, the states held; of π_l e_l, or of other `pulls` in their place."""
        pulls = self.weighted_errors(states) if pulls is None else pulls
        gradient = Parameters([], [])
        for l, (scale, pull) in enumerate(zip(self.scales, pulls, strict=True), 1):
            gradient.weights.append(-scale * self.activity(states, l - 1).T @ pull / len(self.x))
            gradient.biases.append(-scale * pull.mean(axis=0))
        return gradient

    def backprop_gradient(self) -> Parameters:
        """The gradient of the loss of the feed-forward pass, by the chain rule."""
        states, _ = self.feedforward()
        deltas = [self.weighted_errors(states)[-1]]
        for l in range(self.depth - 1, 0, -1):
            deltas.insert(0, self.pulled_down(states, deltas[0], l))
        return self.weight_gradient(states, deltas)

    def clearance(self, passed: Sequence[Arrays]) -> Array:
        """How close each sample's states ever came to a kink, (B,)."""
        return np.min([naive.kink_distance(self.activations, states) for states in passed], axis=0)

    def curvature_bound(self) -> float:
        """λ = π_max (1 + s)², s = max over l ≥ 2 of a_l Lip(f_{l-1}) ‖W_l‖₂, and 1 more with a skip."""
        gains = [
            self.scales[l - 1]
            * ACTIVATIONS[self.activations[l - 2]].lipschitz
            * naive.spectral_norm(self.weights[l - 1])
            + self.has_skip(l)
            for l in range(2, self.depth + 1)
        ]
        return max(naive.effective_precisions(self.loss, self.depth, self.precisions)) * (1 + max(gains)) ** 2


def finite_gradient(energy: Callable[[], float], arrays: Sequence[Array]) -> list[Array]:
    """Central differences of `energy()` in every entry of every array."""
    return [naive.finite_differences(energy, array) for array in arrays]
