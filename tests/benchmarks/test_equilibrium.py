"""Residuals and cosines beside the times of races, against the references and the engine."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import equilibrium
from benchmarks.baselines.base import initial_parameters
from benchmarks.workloads import Workload
from fastpc import PC, PCNetwork

WORKLOAD = Workload("small", (30, 12, 9, 10), batch_size=16, steps=6, activation="tanh", loss="cross_entropy")
RNG = np.random.default_rng(1)
IMAGES, LABELS = RNG.integers(0, 256, (20, 30)).astype(np.uint8), RNG.integers(0, 10, 20)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_the_weight_gradient_is_the_engines(loss):
    workload = replace(WORKLOAD, loss=loss)
    parameters = initial_parameters(workload, 3)
    network = PCNetwork(workload.sizes, "tanh", loss, "float64")
    network.weights, network.biases = [W for W, _ in parameters], [b for _, b in parameters]
    x, y = IMAGES / 255, np.eye(10)[LABELS]
    # With no steps the errors are those of the feed-forward pass: only the output's is not zero.
    for steps in (0, 6):
        weights, biases = network.gradient(x, y, PC(steps=steps, step_size=0.1))
        expected = -np.concatenate([a.ravel() for pair in zip(weights, biases, strict=True) for a in pair])
        states = network.relax(x, y, PC(steps=steps, step_size=0.1)).states
        errors, activities = equilibrium.errors_of(parameters, x, y, states, workload)
        assert np.allclose(equilibrium.weight_gradient(activities, errors), expected, atol=1e-12)


def test_backpropagations_gradient_is_that_of_the_loss():
    parameters = initial_parameters(WORKLOAD, 4)
    x, y = IMAGES / 255, np.eye(10)[LABELS]

    def loss() -> float:
        _, output = equilibrium.feed_forward(parameters, x, "tanh")
        return float(-np.mean(np.sum(y * (output - np.log(np.exp(output).sum(1, keepdims=True))), axis=1)))

    gradient = equilibrium.backprop_gradient(parameters, x, y, WORKLOAD)
    at = 0
    for pair in parameters:
        for array in pair:
            index = tuple(n // 2 for n in array.shape)
            flat = int(np.ravel_multi_index(index, array.shape))
            kept, h = array[index], 1e-6
            array[index] = kept + h
            above = loss()
            array[index] = kept - h
            below = loss()
            array[index] = kept
            assert -gradient[at + flat] == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-9)
            at += array.size


def quality_after(parameters, steps, step_size):
    workload = replace(WORKLOAD, steps=steps)
    states = equilibrium.plain_steps(parameters, workload, IMAGES, LABELS, step_size)
    return equilibrium.quality(parameters, workload, IMAGES, LABELS, states)


def test_plain_steps_end_where_the_engines_do():
    parameters = initial_parameters(WORKLOAD, 7)
    workload = replace(WORKLOAD, momentum=0.5)
    network = PCNetwork(workload.sizes, "tanh", workload.loss, "float64")
    network.weights, network.biases = [W for W, _ in parameters], [b for _, b in parameters]
    rule = PC(steps=workload.steps, step_size=0.1, momentum=0.5)
    expected = network.relax(IMAGES / 255, np.eye(10)[LABELS], rule).states
    found = equilibrium.plain_steps(parameters, workload, IMAGES, LABELS, 0.1)
    assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(found, expected, strict=True))


def test_more_steps_come_nearer_to_equilibrium():
    parameters = initial_parameters(WORKLOAD, 5)
    found = [quality_after(parameters, steps, 0.1) for steps in (1, 10, 500)]
    residuals = [item["residual"] for item in found]
    assert residuals[0] > residuals[1] > residuals[2]
    assert residuals[2] < 1e-3
    assert all(0 < item["cosine"] <= 1 for item in found)


def test_few_small_steps_have_hardly_begun():
    few = quality_after(initial_parameters(WORKLOAD, 6), 2, 1e-3)
    assert few["cosine"] > 0.5
    assert few["residual"] == pytest.approx(1, abs=0.02)
