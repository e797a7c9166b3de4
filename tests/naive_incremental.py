"""Float64 reference of incremental predictive coding, step by step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import naive
import naive_nudge
import naive_optimizers
from fastpc.optimizers import Optimizer
from fastpc.rules import IncrementalPC
from naive import Parameters
from naive_training import Epoch, Trained
from strategies import Case


def train(
    case: Case, rule: IncrementalPC, optimizer: Optimizer, orders: Sequence[NDArray[np.int64]], batch_size: int
) -> Trained:
    """Train the network of `case` on its samples, in one order an epoch.

    The energies are those before a batch's last step.
    """
    parameters = Parameters(list(case.weights), list(case.biases))
    memory = naive_optimizers.forget(parameters)
    n_batches = -(-len(case.x) // batch_size)
    factors = optimizer.schedule.factors(0, n_batches * len(orders), n_batches * len(orders), n_batches)
    epochs, done = [], 0
    for epoch, order in enumerate(orders):
        energy, correct = np.zeros(len(case.weights)), 0
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            x = case.x[batch]
            states, output = naive.feedforward(*parameters, case.activations, x)
            correct += int(np.sum(output.argmax(axis=1) == case.labels[batch]))
            beta = naive_nudge.beta_of(rule.nudge, epoch, done)
            target = naive_nudge.nudged(case, parameters, x, case.target[batch], beta)
            for _ in range(rule.steps):
                now = (parameters.weights, parameters.biases, case.activations, case.loss, states, target)
                # Both gradients are taken before either moves.
                of_states = naive.state_gradient(*now, rule.precisions)
                of_weights = naive_nudge.divided(naive.weight_gradient(*now, rule.precisions), beta)
                energies = naive.energies(*now, rule.precisions)
                moved = [s - float(rule.step_size) * g for s, g in zip(states[1:], of_states, strict=True)]
                states = [x, *moved]
                parameters, memory = naive_optimizers.step(
                    optimizer, parameters, of_weights, memory, float(factors[done])
                )
            energy += energies.sum(axis=0)
            done += 1
        epochs.append(Epoch(energy / len(order), correct / len(order)))
    return Trained(parameters, epochs)
