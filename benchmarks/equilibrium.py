"""How near to equilibrium a relaxation ends, and how near its weight gradient is to backpropagation's.

Plain float64 NumPy, formulas and nothing else, so that nobody is sold backprop under another name.
"""

from typing import Any

import numpy as np
from scipy.special import softmax

from benchmarks.baselines.base import Array, Parameters
from benchmarks.baselines.numpy_pc import ACTIVATIONS
from benchmarks.workloads import Workload


def activate(name: str, x: Array) -> tuple[Array, Array]:
    """Return f(x) and f'(x)."""
    activity, slope = np.empty_like(x), np.empty_like(x)
    ACTIVATIONS[name](x, activity, slope)
    return activity, slope


def feed_forward(parameters: Parameters, x: Array, activation: str) -> tuple[list[Array], Array]:
    """Return the hidden layers' states and the output μ_L."""
    states, signal = [], x
    for weight, bias in parameters[:-1]:
        states.append(signal @ weight + bias)
        signal = activate(activation, states[-1])[0]
    weight, bias = parameters[-1]
    return states, signal @ weight + bias


def errors_of(
    parameters: Parameters, x: Array, y: Array, states: list[Array], workload: Workload
) -> tuple[list[Array], list[Array]]:
    """Return e_1…e_L, and the activities f(x_0)…f(x_{L-1}) behind them."""
    activities = [x, *(activate(workload.activation, state)[0] for state in states)]
    predictions = [a @ W + b for a, (W, b) in zip(activities, parameters, strict=True)]
    output = softmax(predictions[-1], axis=1) if workload.loss == "cross_entropy" else predictions[-1]
    hidden = [state - prediction for state, prediction in zip(states, predictions, strict=False)]
    return [*hidden, y - output], activities


def state_gradients(parameters: Parameters, states: list[Array], errors: list[Array], activation: str) -> list[Array]:
    """Return −∂F/∂x_l of the hidden layers."""
    return [
        activate(activation, state)[1] * (errors[i + 1] @ parameters[i + 1][0].T) - errors[i]
        for i, state in enumerate(states)
    ]


def weight_gradient(activities: list[Array], errors: list[Array]) -> Array:
    """Return −∂F/∂W and −∂F/∂b of all layers, a batch mean, as one vector."""
    n = len(errors[0])
    parts = [(a.T @ e / n, e.mean(axis=0)) for a, e in zip(activities, errors, strict=True)]
    return np.concatenate([array.ravel() for part in parts for array in part])


def backprop_gradient(parameters: Parameters, x: Array, y: Array, workload: Workload) -> Array:
    """Return backpropagation's weight gradient, with PC's sign."""
    states, _ = feed_forward(parameters, x, workload.activation)
    errors, activities = errors_of(parameters, x, y, states, workload)
    signals = [errors[-1]]
    for i in reversed(range(len(states))):
        slope = activate(workload.activation, states[i])[1]
        signals.insert(0, slope * (signals[0] @ parameters[i + 1][0].T))
    return weight_gradient(activities, signals)


def plain_steps(
    parameters: Parameters, workload: Workload, images: Array, labels: Array, step_size: float
) -> list[Array]:
    """Relax by plain steps from the feed-forward states with the labels clamped; return the hidden states."""
    x, y = images / 255.0, np.eye(workload.sizes[-1])[labels]
    states, _ = feed_forward(parameters, x, workload.activation)
    velocities = [np.zeros_like(state) for state in states]
    for _ in range(workload.steps):
        errors, _ = errors_of(parameters, x, y, states, workload)
        forces = state_gradients(parameters, states, errors, workload.activation)
        velocities = [workload.momentum * v + step_size * f for v, f in zip(velocities, forces, strict=True)]
        states = [state + v for state, v in zip(states, velocities, strict=True)]
    return states


def quality(
    parameters: Parameters, workload: Workload, images: Array, labels: Array, states: list[Array]
) -> dict[str, Any]:
    """Look at where a relaxation with the labels clamped has ended.

    Parameters
    ----------
    parameters : Parameters
    workload : Workload
        Its activation and loss; its steps are passed on.
    images : ndarray of uint8, (N, n_0)
    labels : ndarray of int, (N,)
    states : list of ndarray, (N, n_l)
        Of the hidden layers, where the relaxation left them.

    Returns
    -------
    dict
        ``residual``: the largest state gradient there over the largest at the feed-forward states;
        ``residual_per_sample``: the median over samples of ‖∂F/∂x‖ there over that at the feed-forward states;
        ``cosine``: between the weight gradient and backpropagation's.
    """
    exact = [(W.astype(np.float64), b.astype(np.float64)) for W, b in parameters]
    x, y = images / 255.0, np.eye(workload.sizes[-1])[labels]

    def at(states: list[Array]) -> tuple[float, Array, Array]:
        errors, activities = errors_of(exact, x, y, states, workload)
        forces = state_gradients(exact, states, errors, workload.activation)
        return (*_size(forces), weight_gradient(activities, errors))

    first, first_norms, _ = at(feed_forward(exact, x, workload.activation)[0])
    last, last_norms, ours = at([state.astype(np.float64) for state in states])
    theirs = backprop_gradient(exact, x, y, workload)
    moved = first_norms > 0
    return {
        "steps": workload.steps,
        "residual": last / first,
        "residual_per_sample": float(np.median(last_norms[moved] / first_norms[moved])),
        "cosine": float(ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs))),
    }


def _size(forces: list[Array]) -> tuple[float, Array]:
    """Return the largest state gradient of all, and each sample's norm."""
    joined = np.concatenate(forces, axis=1)
    return float(np.abs(joined).max()), np.linalg.norm(joined, axis=1)
