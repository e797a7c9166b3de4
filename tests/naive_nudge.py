"""Float64 reference of nudging."""

from scipy.special import softmax

import naive
from fastpc.rules import Nudge
from naive import Array, Parameters
from strategies import Case

SIGNS = {"positive": [1.0], "negative": [-1.0], "centred": [1.0, -1.0]}


def beta_of(nudge: Nudge | None, epoch: int, batch: int) -> float:
    """How far towards the target the output of a batch is clamped; all batches are counted, from 0."""
    if nudge is None:
        return 1.0
    signs = SIGNS[nudge.kind]
    return signs[batch % len(signs)] * min(1.0, nudge.beta + epoch * nudge.growth)


def nudged(case: Case, parameters: Parameters, x: Array, target: Array, beta: float) -> Array:
    """p + beta (y - p), p being what the feed-forward pass predicts."""
    _, output = naive.feedforward(parameters.weights, parameters.biases, case.activations, x)
    prediction = softmax(output, axis=1) if case.loss == "cross_entropy" else output
    return prediction + beta * (target - prediction)


def divided(gradient: Parameters, beta: float) -> Parameters:
    """The gradient, by beta."""
    return Parameters([g / beta for g in gradient.weights], [g / beta for g in gradient.biases])


def gradient(case: Case, nudge: Nudge, steps: int, step_size: float) -> Parameters:
    """The weights' gradient after plain relaxation: for centred nudging [dW(beta) - dW(-beta)] / 2 beta."""
    parameters, found = Parameters(case.weights, case.biases), []
    for sign in SIGNS[nudge.kind]:
        beta = sign * nudge.beta
        target = nudged(case, parameters, case.x, case.target, beta)
        states = naive.relax(*case.network, case.x, target, steps, step_size, precisions=case.precisions).states
        found.append(divided(naive.weight_gradient(*case.network, states, target, case.precisions), beta))
    return Parameters(
        [sum(gs) / len(gs) for gs in zip(*(g.weights for g in found), strict=True)],
        [sum(gs) / len(gs) for gs in zip(*(g.biases for g in found), strict=True)],
    )
