"""Float64 reference of nudging."""

import numpy as np
from scipy.special import softmax

import naive
from fastpc.rules import Nudge
from naive import Array, Parameters
from naive_activations import ACTIVATIONS
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
    if beta == 1:
        return target
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


def limit_of_gradient(case: Case) -> Parameters:
    """What the gradient at equilibrium goes to as beta goes to 0, all precisions being 1.

    With J_l = d mu_L / d x_l of the feed-forward pass, d = y - p and H the loss's curvature in mu_L, the equilibrium
    near that pass has e_l = J_l^T e_L and e_L = beta d - H sum_l J_l e_l, so e_L = beta (I + H sum_l J_l J_l^T)^-1 d:
    backpropagation's signals, but for that matrix.
    """
    assert case.precisions is None
    states, output = naive.feedforward(case.weights, case.biases, case.activations, case.x)
    below, n_layers = naive.activities(case.activations, states), len(case.weights)
    pulls = [np.empty((len(case.x), weight.shape[1])) for weight in case.weights]
    for sample, mu in enumerate(output):
        p = softmax(mu) if case.loss == "cross_entropy" else mu
        curvature = np.diag(p) - np.outer(p, p) if case.loss == "cross_entropy" else np.eye(len(mu))
        jacobian, jacobians = np.eye(len(mu)), []
        for layer in range(n_layers - 1, 0, -1):
            slope = ACTIVATIONS[case.activations[layer - 1]].derivative(states[layer][sample])
            jacobian = jacobian @ case.weights[layer].T * slope
            jacobians.insert(0, jacobian)
        spread = np.eye(len(mu)) + curvature @ sum(j @ j.T for j in jacobians)
        pulls[-1][sample] = top = np.linalg.solve(spread, case.target[sample] - p)
        for layer, j in enumerate(jacobians):
            pulls[layer][sample] = top @ j
    return Parameters(
        [-a.T @ pull / len(case.x) for a, pull in zip(below, pulls, strict=True)],
        [-pull.mean(axis=0) for pull in pulls],
    )
