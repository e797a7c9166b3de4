"""Slow, obvious float64 references for one step of each optimiser."""

from typing import NamedTuple

import numpy as np

from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from naive import Array, Parameters


class Memory(NamedTuple):
    """What an optimiser remembers: updates made so far, and its running means."""

    updates: int
    first: Parameters  # SGD's velocity, or Adam's mean of g
    second: Parameters  # Adam's mean of g²


def forget(parameters: Parameters) -> Memory:
    """The memory before the first step."""
    return Memory(0, _zeros(parameters), _zeros(parameters))


def clip(gradient: Parameters, clip_norm: float | None) -> Parameters:
    """Scale the gradient so that its norm over all parameters is at most `clip_norm`."""
    arrays = [*gradient.weights, *gradient.biases]
    norm = np.sqrt(sum(np.sum(g**2) for g in arrays))
    scale = 1.0 if clip_norm is None or norm <= clip_norm else clip_norm / norm
    return Parameters([scale * g for g in gradient.weights], [scale * g for g in gradient.biases])


def step(
    optimizer: Optimizer,
    parameters: Parameters,
    gradient: Parameters,
    memory: Memory,
    factor: float = 1.0,
) -> tuple[Parameters, Memory]:
    """Return the parameters and the memory after one update; nothing is changed in place.

    `gradient` is the energy's, batch-mean; `factor` is the schedule's for this batch.
    """
    gradient = clip(gradient, optimizer.clip_norm)
    updates = memory.updates + 1
    after = Parameters([], []), Parameters([], []), Parameters([], [])
    kinds = zip(parameters, gradient, memory.first, memory.second, strict=True)
    for kind, (thetas, gs, ms, vs) in enumerate(kinds):
        decay = optimizer.weight_decay if kind == 0 else 0.0  # the weights come first
        for theta, g, m, v in zip(thetas, gs, ms, vs, strict=True):
            if isinstance(optimizer, SGD):
                moved = _sgd(optimizer, theta, g, m, v, decay, factor)
            else:
                moved = _adam(optimizer, theta, g, m, v, updates, decay, factor)
            for into, array in zip(after, moved, strict=True):
                into[kind].append(array)
    return after[0], Memory(updates, after[1], after[2])


def _sgd(
    optimizer: SGD,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    decay: float,
    factor: float,
) -> tuple[Array, Array, Array]:
    m = optimizer.momentum * m + g + decay * theta
    return theta - factor * optimizer.learning_rate * m, m, v


def _adam(
    optimizer: Adam | AdamW,
    theta: Array,
    g: Array,
    m: Array,
    v: Array,
    updates: int,
    decay: float,
    factor: float,
) -> tuple[Array, Array, Array]:
    beta1, beta2 = optimizer.beta1, optimizer.beta2
    if isinstance(optimizer, Adam):
        g = g + decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    direction = m / (1 - beta1**updates) / (np.sqrt(v / (1 - beta2**updates)) + optimizer.epsilon)
    if isinstance(optimizer, AdamW):
        direction = direction + decay * theta
    return theta - factor * optimizer.learning_rate * direction, m, v


def _zeros(parameters: Parameters) -> Parameters:
    return Parameters(
        [np.zeros_like(w) for w in parameters.weights],
        [np.zeros_like(b) for b in parameters.biases],
    )
