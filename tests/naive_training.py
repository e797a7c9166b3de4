"""A slow, obvious float64 reference for whole training runs, and for what is measured on the way."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import naive
import naive_nudge
import naive_optimizers
from fastpc.optimizers import Optimizer
from fastpc.rules import PC
from naive import Array, Parameters
from strategies import Case


class Epoch(NamedTuple):
    """What one epoch measured."""

    energy: Array  # (L,), after relaxation, a mean over the samples
    accuracy: float  # of the feed-forward pass, each batch before it was learned


class Trained(NamedTuple):
    """Where training ended, and how it went."""

    parameters: Parameters
    epochs: list[Epoch]


def train(
    case: Case,
    rule: PC,
    optimizer: Optimizer,
    orders: Sequence[NDArray[np.int64]],
    batch_size: int,
    total_epochs: int | None = None,
    sample_weight: Array | None = None,
) -> Trained:
    """Train the network of `case` on its samples, in one order an epoch.

    `total_epochs` is the length of the run as the schedule sees it: by default, all `orders`. `sample_weight`, whose
    mean is 1, multiplies what each sample adds to gradients and energies.
    """
    parameters = Parameters(list(case.weights), list(case.biases))
    memory = naive_optimizers.forget(parameters)
    n_batches = -(-len(case.x) // batch_size)
    total = n_batches * (len(orders) if total_epochs is None else total_epochs)
    factors = optimizer.schedule.factors(0, total, total, n_batches)
    epochs, done = [], 0
    for epoch, order in enumerate(orders):
        energy, correct = np.zeros(len(case.weights)), 0
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            network = (parameters.weights, parameters.biases, case.activations, case.loss)
            x, target = case.x[batch], case.target[batch]
            _, output = naive.feedforward(*network[:3], x)
            correct += int(np.sum(output.argmax(axis=1) == case.labels[batch]))
            beta = naive_nudge.beta_of(rule.nudge, epoch, done)
            target = naive_nudge.nudged(case, parameters, x, target, beta)
            relaxed = naive.relax(
                *network, x, target, rule.steps, float(rule.step_size), rule.momentum,
                rule.precisions, starting_states(case, rule, x), rule.tolerance,
            )  # fmt: skip
            if sample_weight is None:
                energy += len(batch) * relaxed.energies[-1]
                gradient = naive.weight_gradient(*network, relaxed.states, target, rule.precisions)
            else:
                weights = sample_weight[batch]
                energy += weights @ naive.energies(*network, relaxed.states, target, rule.precisions)
                gradient = weighted_gradient(case, parameters, relaxed.states, target, rule, weights)
            gradient = naive_nudge.divided(gradient, beta)
            parameters, memory = naive_optimizers.step(optimizer, parameters, gradient, memory, float(factors[done]))
            done += 1
        epochs.append(Epoch(energy / len(order), correct / len(order)))
    return Trained(parameters, epochs)


def weighted_gradient(
    case: Case, parameters: Parameters, states: list[Array], target: Array, rule: PC, weights: Array
) -> Parameters:
    """The batch mean of every sample's own gradient times its weight."""
    total = naive_optimizers.forget(parameters).first
    network = (parameters.weights, parameters.biases, case.activations, case.loss)
    for k, weight in enumerate(weights):
        own = naive.weight_gradient(*network, [x[[k]] for x in states], target[[k]], rule.precisions)
        for sums, parts in zip(total, own, strict=True):
            for array, part in zip(sums, parts, strict=True):
                np.add(array, weight / len(weights) * part, out=array)
    return total


def starting_states(case: Case, rule: PC, x: Array) -> list[Array] | None:
    """x_0…x_{L-1} where `rule` starts, None for the feed-forward pass."""
    if rule.start == "feedforward":
        return None
    assert rule.start == "zeros"
    return [x, *(np.zeros((len(x), size)) for size in case.sizes[1:-1])]
