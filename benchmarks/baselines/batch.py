"""One batch in terms of any array library: gradients of PC and backprop, the notebook's updates.

JAX, TensorFlow and PyTorch differ in how operations are spelled and compiled, not in what a batch
computes. `Ops` holds the spelling; the functions here are traced, or run eagerly, by each library.
The NumPy baselines share no line with them, so that the two check each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads import Workload

Tensor = Any
"""An array of the library at hand."""

Layers = Sequence[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Ops:
    """The operations a batch needs, as one library spells them."""

    activations: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]]
    """By name: from x, both f(x) and f'(x)."""
    softmax: Callable[[Tensor], Tensor]  # over the last axis
    affine: Callable[[Tensor, Tensor, Tensor], Tensor]  # a W + b
    times_transposed: Callable[[Tensor, Tensor], Tensor]  # e Wᵀ
    transposed_times: Callable[[Tensor, Tensor], Tensor]  # aᵀ e
    total: Callable[[Tensor], Tensor]  # sum over the batch
    zeros_like: Callable[[Tensor], Tensor]


def gradients(ops: Ops, workload: Workload, layers: Layers, x: Tensor, y: Tensor, n: int) -> list[Tensor]:
    """Batch-mean gradients under the workload's rule, "pc" or "backprop".

    Parameters
    ----------
    ops : Ops
    workload : Workload
    layers : sequence of (W_l, b_l)
    x, y : array, (B, n_0) and (B, n_L)
        Input and target.
    n : int
        B.

    Returns
    -------
    list of array
        Of W_1, b_1, …, W_L, b_L, to be subtracted.
    """
    rule = _backprop if workload.rule == "backprop" else _relax
    activities, errors = rule(ops, workload, layers, x, y)
    found: list[Tensor] = []
    for activity, error in zip(activities, errors, strict=True):
        found += (ops.transposed_times(activity, error) * (-1 / n), ops.total(error) * (-1 / n))
    return found


def notebook(ops: Ops, workload: Workload, layers: Layers, x: Tensor, y: Tensor) -> list[Tensor]:
    """W_1 and W_2 after the notebook's steps on one batch, states and weights moving together.

    The image is predicted from above. The lower state is pulled by e_2 where the energy's gradient
    would have e_1: that is the notebook's own rule, and kept.
    """
    (W1, b1), (W2, _) = layers
    gamma, rate = workload.step_size, workload.learning_rate
    x1, x2 = ops.zeros_like(ops.affine(x, W1, b1)), ops.zeros_like(y)
    for _ in range(workload.steps):
        e0 = x - ops.times_transposed(x1, W1)
        e1 = x1 - ops.times_transposed(x2, W2)
        e2 = y - ops.softmax(x2)
        x1 = x1 + gamma * (e0 @ W1 - ops.times_transposed(e2, W2))
        x2 = x2 + gamma * (e1 @ W2 + e2)
        W1 = W1 + rate * ops.transposed_times(e0, x1)
        W2 = W2 + rate * ops.transposed_times(e1, x2)
    return [W1, W2]


Pass = tuple[list[Tensor], list[Tensor]]
"""f(x_0)…f(x_{L-1}), and e_1…e_L."""


def _relax(ops: Ops, workload: Workload, layers: Layers, x: Tensor, y: Tensor) -> Pass:
    """Feed-forward start, then T steps of all states at once."""
    states, activities, slopes, output = _feedforward(ops, workload, layers, x)
    hidden = len(states)  # index i stands for layer i + 1
    predictions = list(states)
    errors = [ops.zeros_like(state) for state in states] + [_top_error(ops, workload, y, output)]
    velocities = list(errors[:hidden])
    activate = ops.activations[workload.activation]
    for step in range(workload.steps):
        # At first only the top error is not zero, and it moves one layer a step: what it has not
        # reached yet cannot move. The loop is unrolled, so that skipping costs nothing.
        moving = range(max(0, hidden - 1 - step), hidden)
        for i in moving:
            signal = slopes[i] * ops.times_transposed(errors[i + 1], layers[i + 1][0])
            change = workload.step_size * (signal - errors[i])
            if workload.momentum:
                change = velocities[i] = workload.momentum * velocities[i] + change
            states[i] = states[i] + change
            activities[i], slopes[i] = activate(states[i])
        for i in moving:
            prediction = ops.affine(activities[i], *layers[i + 1])
            if i + 1 < hidden:
                predictions[i + 1] = prediction
            else:
                errors[hidden] = _top_error(ops, workload, y, prediction)
        for i in moving:
            errors[i] = states[i] - predictions[i]
    return [x, *activities], errors


def _backprop(ops: Ops, workload: Workload, layers: Layers, x: Tensor, y: Tensor) -> Pass:
    """One pass forward, one back; the errors are minus the loss's gradients."""
    _, activities, slopes, output = _feedforward(ops, workload, layers, x)
    errors = [_top_error(ops, workload, y, output)]
    for slope, (weight, _) in zip(reversed(slopes), reversed(layers), strict=False):
        errors.insert(0, slope * ops.times_transposed(errors[0], weight))
    return [x, *activities], errors


def _feedforward(
    ops: Ops, workload: Workload, layers: Layers, x: Tensor
) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor]:
    """States x_l, f(x_l) and f'(x_l) of the hidden layers, and the output μ_L."""
    states, activities, slopes = [], [], []
    signal = x
    for weight, bias in layers[:-1]:
        states.append(ops.affine(signal, weight, bias))
        signal, slope = ops.activations[workload.activation](states[-1])
        activities.append(signal)
        slopes.append(slope)
    return states, activities, slopes, ops.affine(signal, *layers[-1])


def _top_error(ops: Ops, workload: Workload, y: Tensor, output: Tensor) -> Tensor:
    return y - (ops.softmax(output) if workload.loss == "cross_entropy" else output)
