"""Weights' gradients, unit by unit, and the optimisers' steps, batch after batch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import naive
import naive_optimizers
from engine.accuracy import Array
from fastpc import PC, SGD, Adam, AdamW, PCNetwork
from fastpc.data import as_dataset
from fastpc.engine.evaluate import gradient_of_batch
from fastpc.engine.inputs import SECTION
from fastpc.engine.layout import (
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    BATCH_ERROR,
    ERROR_STRIDE,
    Layout,
)
from fastpc.engine.llvm import WORD
from fastpc.engine.sharing import make_sharing
from fastpc.engine.update import work_units
from fastpc.engine.workspace import Workspace, inputs_of, model_of
from fastpc.optimizers import Optimizer
from fastpc.session import ChunkResult, EngineSession
from naive import Parameters
from on_engine import data_of, distance, network_of
from strategies import Case, make_case

# -- units ---------------------------------------------------------------------------------------

SHAPES = [(1, 1), (3, 2), (784, 128, 10), (15, 16, 17), (16, 33, 48, 49, 1), (5, 300, 3)]


@pytest.mark.parametrize("sizes", SHAPES)
def test_units_hold_every_row_of_every_layer_once(sizes: tuple[int, ...]) -> None:
    rows = [(l, row) for l, first, end in work_units(sizes) for row in range(first, end)]
    layers = range(1, len(sizes))
    assert sorted(rows) == [(l, row) for l in layers for row in range(sizes[l - 1] + 1)]


def filled_workspace(
    sizes: tuple[int, ...], n_samples: int, dtype: str, as_bytes: bool
) -> tuple[Workspace, list[Array], list[Array]]:
    """Return buffers as a batch leaves them, with its activities f(x_0)… and errors e_1…."""
    rng = np.random.default_rng(0)
    layout = Layout(sizes, [0] * (len(sizes) - 1), np.dtype(dtype))
    workspace = Workspace(layout, n_samples, threads=2)
    activities = [rng.normal(0, 1, (n_samples, n)).astype(dtype) for n in sizes[:-1]]
    errors = [rng.normal(0, 1, (n_samples, n)).astype(dtype) for n in sizes[1:]]
    is_set = rng.random(activities[0].shape) < 0.3
    activities[0] *= is_set
    numbers = activities[0]
    if as_bytes:
        numbers = (rng.integers(1, 256, is_set.shape) * is_set).astype(np.uint8)
        workspace.take(inputs_of(numbers, None, 0.3, 1.0, False, np.dtype(dtype)))
        activities[0] = numbers * np.dtype(dtype).type(0.3)
    batch = workspace.batch
    for row, error in zip(layout.layers[1:], errors, strict=True):
        start, stride = row[BATCH_ERROR], row[ERROR_STRIDE]
        place = batch.errors[start : start + n_samples * stride].reshape(n_samples, stride)
        place[:, : error.shape[1]] = error
        place[:, error.shape[1] :] = np.nan  # what no result may depend on
    for row, activity in zip(layout.layers[1:-1], activities[1:], strict=True):
        start, stride = row[BATCH_ACTIVITY], row[ACTIVITY_STRIDE]
        place = batch.activities[start : start + n_samples * stride].reshape(n_samples, stride)
        width = activity.shape[1]
        place[:, :width], place[:, width] = activity, 1
    start, stride = layout.layers[0, BATCH_ACTIVITY], layout.layers[0, ACTIVITY_STRIDE]
    place = batch.room[start : start + n_samples * stride].reshape(n_samples, stride)
    place[:, : sizes[0]] = numbers
    n_sections = -(-(sizes[0] // WORD + 1) // SECTION)
    batch.rows.reshape(n_sections, -1)[:, :n_samples] = start + stride * np.arange(n_samples)
    masks = batch.masks.reshape(sizes[0] // WORD + 1, -1)
    masks[:] = np.iinfo(np.uint64).max  # what earlier, longer batches left
    masks[:, :n_samples] = 0
    for unit in range(sizes[0]):
        bits = (numbers[:, unit] != 0).astype(np.uint64) << np.uint64(unit % WORD)
        masks[unit // WORD, :n_samples] |= bits
    return workspace, activities, errors


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_samples", [1, 16, 33, 64, 70])
@pytest.mark.parametrize("sizes", SHAPES)
def test_units_together_are_the_gradient(sizes: tuple[int, ...], n_samples: int, dtype: str, as_bytes: bool) -> None:
    workspace, activities, errors = filled_workspace(sizes, n_samples, dtype, as_bytes)
    layout = workspace.layout
    parameters = layout.empty_parameters()
    model = model_of(layout, parameters, (1.0,) * len(errors), 0)
    gradient = layout.empty_parameters()
    gradient[:] = np.nan
    gradient_of_batch(
        1, model, workspace.units, n_samples, gradient, workspace.batch, workspace.scratch,
        make_sharing(1, 1),
    )  # fmt: skip
    weights = [-a.T.astype(np.float64) @ e / n_samples for a, e in zip(activities, errors, strict=True)]
    biases = [-e.mean(axis=0, dtype=np.float64) for e in errors]
    tolerance = 20 * float(np.finfo(dtype).eps)
    assert distance(layout.weights(gradient), weights) <= tolerance
    assert distance(layout.biases(gradient), biases) <= tolerance


# -- optimisers ----------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(0.05),
    "sgd with momentum": SGD(0.05, momentum=0.9),
    "sgd with decay": SGD(0.05, momentum=0.5, weight_decay=0.1),
    "sgd clipped": SGD(0.05, clip_norm=0.1),
    "adam": Adam(0.003),
    "adam with decay": Adam(0.003, weight_decay=0.1),
    "adam with other means": Adam(0.003, beta1=0.5, beta2=0.9, epsilon=1e-4),
    "adam clipped": Adam(0.003, clip_norm=0.1, epsilon=1e-3),
    "adamw": AdamW(0.003, weight_decay=0.3),
    "adamw clipped": AdamW(0.003, weight_decay=0.3, clip_norm=0.1, epsilon=1e-3),
    "clipped by more than there is": SGD(0.05, clip_norm=1e6),
}
RULE = PC(steps=4, step_size=0.1)
FACTORS = np.array([1.0, 0.5, 2.0, 0.1, 1.0, 1.5])
BATCH_SIZE = 20  # no multiple of a lane group; the last batch is shorter still
# Widths at which a unit's rows stand with and without gaps, and layers of several units.
CASE = make_case((61, 64, 10), ("tanh",), dtype="float64", batch_size=5 * BATCH_SIZE + 7)


def train(
    case: Case, optimizer: Optimizer, rule: PC = RULE, calls: Sequence[int] = (6,), threads: int = 1
) -> tuple[PCNetwork, ChunkResult]:
    """Train on the case's samples in order, the batches divided into calls of the engine."""
    network = network_of(case)
    session = EngineSession(rule, network, optimizer, BATCH_SIZE, threads)
    session.bind(as_dataset(*data_of(case)))
    order = np.arange(len(case.x), dtype=np.int64)
    first = 0
    for count in calls:
        result = session.run(order[first * BATCH_SIZE : (first + count) * BATCH_SIZE], FACTORS[first : first + count])
        first += count
    return network, result


def reference(case: Case, optimizer: Optimizer, rule: PC = RULE) -> Parameters:
    """Train the same way, by the float64 references."""
    assert not isinstance(rule.step_size, str)
    parameters = Parameters(case.weights, case.biases)
    memory = naive_optimizers.forget(parameters)
    for b, factor in enumerate(FACTORS):
        part = slice(b * BATCH_SIZE, (b + 1) * BATCH_SIZE)
        network = (*parameters, case.activations, case.loss)
        relaxed = naive.relax(*network, case.x[part], case.target[part], rule.steps, rule.step_size)
        gradient = naive.weight_gradient(*network, relaxed.states, case.target[part])
        parameters, memory = naive_optimizers.step(optimizer, parameters, gradient, memory, factor)
    return parameters


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_steps_are_the_reference_s(name: str) -> None:
    network, result = train(CASE, OPTIMIZERS[name])
    weights, biases = reference(CASE, OPTIMIZERS[name])
    assert result.failure is None
    assert distance(network.weights, weights) <= 1e-10
    assert distance(network.biases, biases) <= 1e-10


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_steps_in_float32(name: str) -> None:
    case = make_case((61, 64, 10), ("tanh",), dtype="float32", batch_size=5 * BATCH_SIZE + 7)
    # Adam turns any gradient into a step of one size: those that are all rounding must be none.
    optimizer = OPTIMIZERS[name]
    if not isinstance(optimizer, SGD):
        optimizer = replace(optimizer, epsilon=1e-3)
    network, _ = train(case, optimizer)
    weights, biases = reference(case, optimizer)
    assert distance(network.weights, weights) <= 1e-5
    assert distance(network.biases, biases) <= 1e-5


def test_clipping_really_clips() -> None:
    free, clipped = (reference(CASE, SGD(0.05, clip_norm=norm)) for norm in (None, 0.1))
    assert distance(clipped.weights, free.weights) > 1e-3


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("calls", [(1, 5), (3, 2, 1)])
def test_calls_divide_batches_without_changing_a_bit(name: str, calls: tuple[int, ...]) -> None:
    whole, _ = train(CASE, OPTIMIZERS[name])
    parts, _ = train(CASE, OPTIMIZERS[name], calls=calls)
    assert np.array_equal(whole.parameters, parts.parameters)


@pytest.mark.parametrize("name", ["sgd clipped", "adam", "adamw clipped"])
@pytest.mark.parametrize("threads", [2, 4])
def test_any_number_of_threads_gives_the_same_bits(name: str, threads: int) -> None:
    rule = PC(steps=4, step_size="auto")
    one, first = train(CASE, OPTIMIZERS[name], rule)
    many, second = train(CASE, OPTIMIZERS[name], rule, threads=threads)
    assert np.array_equal(one.parameters, many.parameters)
    assert np.array_equal(first.energies, second.energies)


def test_weight_decay_leaves_biases_alone() -> None:
    case = replace(CASE, x=0 * CASE.x, target=0 * CASE.target, biases=[b * 0 for b in CASE.biases])
    network, _ = train(case, AdamW(0.01, weight_decay=0.5))
    shrunk = np.prod(1 - 0.01 * 0.5 * FACTORS)
    assert distance(network.weights, [shrunk * weight for weight in case.weights]) <= 1e-12
    held = network_of(CASE)
    for optimizer in (SGD(0.05, weight_decay=0.5), AdamW(0.003, weight_decay=0.5)):
        plain: Any = replace(optimizer, weight_decay=0.0)
        first = [train(CASE, each, calls=(1,))[0] for each in (plain, optimizer)]
        assert all(np.array_equal(a, b) for a, b in zip(*(n.biases for n in first), strict=True))
        assert not np.array_equal(first[0].weights[0], first[1].weights[0])
    assert np.array_equal(held.weights[0], CASE.weights[0])


@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_energies_and_hits_are_each_batch_s_before_its_step(clip_norm: float | None) -> None:
    _, result = train(CASE, SGD(1e-12, clip_norm=clip_norm))
    relaxed = naive.relax(*CASE.network, CASE.x, CASE.target, RULE.steps, 0.1)
    energies = naive.energies(*CASE.network, relaxed.states, CASE.target)
    starts = range(0, len(CASE.x), BATCH_SIZE)
    exact = [energies[start : start + BATCH_SIZE].mean(axis=0) for start in starts]
    assert distance([result.energies], [np.array(exact)]) <= 1e-9
    assert not result.correct.any(), "there are no labels to hit"


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e20])
def test_numbers_out_of_range_stop_the_run_in_their_batch(bad: float, clip_norm: float | None) -> None:
    case = replace(CASE, target=CASE.target.copy())
    data = as_dataset(*data_of(case))
    data.targets[2 * BATCH_SIZE + 3, 4] = bad  # behind the checks of what comes in
    network = network_of(case)
    session = EngineSession(RULE, network, SGD(0.05, clip_norm=clip_norm), BATCH_SIZE, 2)
    session.bind(data)
    result = session.run(np.arange(len(case.x), dtype=np.int64), FACTORS)
    assert result.failure is not None
    assert result.failure.batch == 2
