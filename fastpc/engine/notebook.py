"""The seed notebook's own rule, compiled: states and weights move together, five steps a batch.

Its direction is generative. In fastpc's terms the network has sizes (10, 128, 784): W_1 is the notebook's W2, W_2 its
W1; its x2, x1 and x0 are the states of layers 0, 1 and 2. Per step, with the image clamped and e_0 the label's error:

    e_2 = x_2 - x_1 W_2,   e_1 = x_1 - x_0 W_1,   e_0 = y - softmax(x_0)
    x_1 += step (e_2 W_2^T - e_0 W_1)          where the energy's gradient has - e_1
    x_0 += step (e_1 W_1^T + e_0)
    W_2 += rate x_1^T e_2,   W_1 += rate x_0^T e_1          sums over the batch, the new states, no biases

A step has three phases. *Errors*: a unit is a section of pixels of a tile of samples, and leaves its part of the pull
e_2 W_2^T; see pixels. *States*: a unit is a tile, which joins these parts and moves. *Weights*: a unit is some rows of
one section of W_2, or of W_1. The first step finds x_1 and x_0 zero, and so needs no prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.energy import add_energy
from fastpc.engine.jit import driver, kernel
from fastpc.engine.layout import ACTIVITY_STRIDE, BATCH_ACTIVITY, ERROR, PREDICTION, SIZE, STATE, WEIGHTS
from fastpc.engine.llvm import ROWS
from fastpc.engine.memory import borrow, prefetch_rows
from fastpc.engine.pixels import (
    copy_weights,
    join_energies,
    join_pulls,
    part_of,
    predict_section,
    pull_section,
    square_section,
    start_section,
    step_section,
)
from fastpc.engine.products import block_start, multiply, multiply_band, n_blocks
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import FIXED, next_step_size
from fastpc.engine.tile import area, softmax_errors, store_errors
from fastpc.engine.train import WEIGHTS_THEMSELVES, batch_order, has_failed, sum_batch
from fastpc.engine.transpose import store_rows
from fastpc.engine.update import all_finite, dense_gradient, row_stride

N_PHASES, N_MORE = 3, 2  # of a step, and of a call
_UNIT_BLOCKS = 3  # register blocks of rows in a unit of weights


class NotebookSettings(NamedTuple):
    """The rule's numbers, of the network's dtype."""

    steps: Any
    rate_per_step: Any  # the weights' rate divided by the state step, where the step is automatic; 0 where it is not
    rate: Any  # the weights' rate where the step is fixed


def weight_units(sizes: Sequence[int], n_sections: int) -> NDArray[np.int64]:
    """Divide the weights: rows (layer, section, first row, end row).

    W_2's are in the order of their sections, so that these divide among threads as in the phase of errors.
    """
    units = []
    for l, section in [*((2, section) for section in range(n_sections)), (1, 0)]:
        n_rows = sizes[l - 1]
        n_all = -(-n_rows // ROWS)
        # Whole register blocks, as `block_start` has them.
        rows = [n_rows * block // n_all for block in range(0, n_all, _UNIT_BLOCKS)]
        units += [(l, section, first, end) for first, end in pairwise([*rows, n_rows])]
    return np.array(units, np.int64)


@kernel
def start_tile(model, inputs, order, first, count, tile):
    """Set the states above the image to zero, and keep the labels where layer 0 has no prediction."""
    lanes = model.lanes
    for l in range(2):
        states = area(model, l, STATE, tile)
        for i in range(len(states)):
            states[i] = 0
    targets = area(model, 0, PREDICTION, tile)
    for i in range(len(targets)):
        targets[i] = 0
    for lane in range(count):
        targets[inputs.labels[order[first + lane]] * lanes + lane] = 1


@kernel
def set_hidden_errors(model, tile):
    """e_1 = x_1 - x_0 W_1."""
    layers, lanes = model.layers, model.lanes
    n_top, n_hidden = layers[0, SIZE], layers[1, SIZE]
    out, weights, states_below = layers[1, ERROR], layers[1, WEIGHTS], layers[0, STATE]
    multiply_band(
        n_hidden, tile, out, lanes, model.parameters, weights, n_hidden, 1, tile, states_below, lanes, n_top
    )  # fmt: skip
    errors, states = area(model, 1, ERROR, tile), area(model, 1, STATE, tile)
    for i in range(len(errors)):
        errors[i] = states[i] - errors[i]


@kernel
def move_states(model, step_size, sections, t, tile):
    """Both states' steps, from the errors as they are."""
    layers, lanes = model.layers, model.lanes
    n_top, n_hidden = layers[0, SIZE], layers[1, SIZE]
    for block in range(n_blocks(n_hidden)):
        j = block_start(n_hidden, block)
        rows = block_start(n_hidden, block + 1) - j
        count = rows * lanes
        weights = layers[1, WEIGHTS] + j
        multiply(rows, tile, count, lanes, model.parameters, weights, n_hidden, 1, tile, layers[0, ERROR], lanes, n_top)
        up, down = borrow(tile, 0, count), borrow(tile, count, count)
        join_pulls(model, sections, t, j, rows, up)
        states = borrow(tile, layers[1, STATE] + j * lanes, count)
        for i in range(count):
            states[i] += step_size * (up[i] - down[i])
    for block in range(n_blocks(n_top)):
        j = block_start(n_top, block)
        rows = block_start(n_top, block + 1) - j
        count = rows * lanes
        weights = layers[1, WEIGHTS] + j * n_hidden
        multiply(rows, tile, 0, lanes, model.parameters, weights, 1, n_hidden, tile, layers[1, ERROR], lanes, n_hidden)
        up = borrow(tile, 0, count)
        states = borrow(tile, layers[0, STATE] + j * lanes, count)
        errors = borrow(tile, layers[0, ERROR] + j * lanes, count)
        for i in range(count):
            states[i] += step_size * (up[i] + errors[i])


@kernel
def find_errors(model, inputs, order, is_first, is_last, section, t, sections, tile, batch, work):
    """A section's errors in the t-th tile of a batch, and its part of their pull."""
    size = model.layers[1, SIZE] * model.lanes
    first = t * model.lanes
    count = min(model.lanes, len(order) - first)
    prefetch_rows(sections.parts, part_of(model, sections, section, t), size, True)
    if is_first:
        start_section(model, inputs, order, first, count, sections, section, tile, batch, work)
    else:
        prefetch_rows(tile, model.layers[1, STATE], size, False)
        predict_section(model, first, count, sections, section, tile, work)
    pull_section(model, t, sections, section, tile)
    if is_last:
        square_section(model, t, sections, section, tile)


@kernel
def step_tile(model, inputs, step_size, order, is_first, is_last, t, sections, tile, batch, work):
    """One step of the t-th tile's states; they and e_1 go to the batch buffers, energies once the batch ends."""
    layers, lanes = model.layers, model.lanes
    first = t * lanes
    count = min(lanes, len(order) - first)
    # What other cores wrote, and then what they have read.
    for section in range(len(sections.table)):
        part = part_of(model, sections, section, t)
        prefetch_rows(sections.parts, part, layers[1, SIZE] * lanes, False)
    stride = layers[1, ACTIVITY_STRIDE]
    prefetch_rows(tile, layers[1, STATE], layers[1, SIZE] * lanes, True)
    prefetch_rows(batch.activities, layers[1, BATCH_ACTIVITY] + first * stride, count * stride, True)
    if is_first:
        start_tile(model, inputs, order, first, count, tile)
    set_hidden_errors(model, tile)
    store_errors(model, 1, first, count, tile, batch, work)
    if is_last:
        energies = borrow(batch.energies, t * 3, 3)
        energies[1] = 0
        add_energy(model, 1, tile, count, energies)
        energies[2] = join_energies(model, sections, t, count, tile)
    targets, states = area(model, 0, PREDICTION, tile), area(model, 0, STATE, tile)
    softmax_errors(targets, states, area(model, 0, ERROR, tile), borrow(tile, 0, 2 * lanes), lanes)
    move_states(model, step_size, sections, t, tile)
    for l in range(2):
        stride = layers[l, ACTIVITY_STRIDE]
        place = layers[l, BATCH_ACTIVITY] + first * stride
        store_rows(tile, layers[l, STATE], layers[l, SIZE], count, lanes, batch.activities, place, stride, work)


@kernel
def step_hidden_weights(model, rate, first, end, n_samples, batch, gradient):
    """Add rate x_0^T e_1 to rows `first` to `end` of W_1; return whether they stay finite."""
    layers = model.layers
    n_hidden, stride = layers[1, SIZE], row_stride(layers[1, SIZE], model.lanes)
    for block in range(n_blocks(end - first)):
        i = first + block_start(end - first, block)
        unit = (1, i, first + block_start(end - first, block + 1))
        dense_gradient(model, unit, n_samples, batch, gradient)
        for m in range(unit[2] - i):
            weights = borrow(model.parameters, layers[1, WEIGHTS] + (i + m) * n_hidden, n_hidden)
            change = borrow(gradient, m * stride, n_hidden)
            for j in range(n_hidden):
                weights[j] += rate * change[j]
    return all_finite(model.parameters, layers[1, WEIGHTS] + first * n_hidden, (end - first) * n_hidden)


@kernel
def share_errors(thread, model, inputs, step_size, chunk, b, s, n_steps, sections, batch, tiles, work, phase, sharing):
    """The phase of errors, and one unit more that finds the next step's size: here the weights grow in every step."""
    order = batch_order(chunk, b)
    n_tiles = (len(order) + model.lanes - 1) // model.lanes
    n_errors = len(sections.table) * n_tiles
    n_units = n_errors if step_size.kind == FIXED else n_errors + 1
    n_done = 0
    while True:
        unit = take_unit(sharing, phase, thread, n_units)
        if unit < 0:
            break
        if unit < n_errors:
            section, t = unit // n_tiles, unit % n_tiles
            find_errors(
                model, inputs, order, s == 0, s == n_steps - 1, section, t, sections, tiles[t], batch, work
            )  # fmt: skip
        else:
            for section in range(len(sections.table)):
                copy_weights(model, sections, section, True)
            chunk.step_sizes[b * n_steps + s + 1] = next_step_size(model, step_size)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_units)


@kernel
def share_states(thread, model, inputs, chunk, b, s, n_steps, sections, batch, tiles, work, phase, sharing):
    """The phase of states."""
    order = batch_order(chunk, b)
    n_tiles = (len(order) + model.lanes - 1) // model.lanes
    step = chunk.step_sizes[b * n_steps + s]
    n_done = 0
    while True:
        t = take_unit(sharing, phase, thread, n_tiles)
        if t < 0:
            break
        step_tile(model, inputs, step, order, s == 0, s == n_steps - 1, t, sections, tiles[t], batch, work)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_tiles)


@kernel
def share_weights(thread, model, rate, chunk, b, is_last, units, sections, batch, gradient, phase, sharing):
    """The phase of weights; as a batch ends, whoever takes the first unit also sums its energies."""
    n_samples = len(batch_order(chunk, b))
    stride = model.layers[1, ACTIVITY_STRIDE]
    prefetch_rows(batch.activities, model.layers[1, BATCH_ACTIVITY], n_samples * stride, False)
    n_done = 0
    while True:
        u = take_unit(sharing, phase, thread, len(units))
        if u < 0:
            break
        l, section, first, end = units[u, 0], units[u, 1], units[u, 2], units[u, 3]
        if l == 2:
            finite = step_section(model, rate, sections, section, first, end, n_samples, batch, gradient)
        else:
            finite = step_hidden_weights(model, rate, first, end, n_samples, batch, gradient)
        if not finite:
            chunk.failed[WEIGHTS_THEMSELVES, l] = b + 1
        if is_last and u == 0:
            sum_batch(chunk, batch, b, n_samples, (n_samples + model.lanes - 1) // model.lanes)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, len(units))


@kernel
def share_copies(thread, model, sections, back, phase, sharing):
    """The phase before all batches, and the one behind them: the sections' weights come, and go."""
    n_done = 0
    while True:
        section = take_unit(sharing, phase, thread, len(sections.table))
        if section < 0:
            break
        copy_weights(model, sections, section, back)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, len(sections.table))


@driver
def train_notebook(
    thread, model, inputs, settings, step_size, units, sections, chunk, batch, tiles, scratch, sharing
):  # fmt: skip
    """Train on the batches of `chunk`: one thread's share. ``tiles[t]`` keeps a tile's states between its steps."""
    gradient, work = scratch.gradients[thread], scratch.work[thread]
    n_steps = settings.steps
    share_copies(thread, model, sections, False, 0, sharing)
    phase = 1
    for b in range(len(chunk.rates)):
        for s in range(n_steps):
            turn = b * n_steps + s
            share_errors(
                thread, model, inputs, step_size, chunk, b, s, n_steps, sections, batch, tiles, work, phase, sharing
            )  # fmt: skip
            share_states(
                thread, model, inputs, chunk, b, s, n_steps, sections, batch, tiles, work, phase + 1, sharing
            )  # fmt: skip
            rate = settings.rate if step_size.kind == FIXED else settings.rate_per_step * chunk.step_sizes[turn]
            share_weights(
                thread, model, rate, chunk, b, s == n_steps - 1, units, sections, batch, gradient, phase + 2, sharing
            )  # fmt: skip
            phase += N_PHASES
            if has_failed(chunk):
                break
        if has_failed(chunk):
            break
    share_copies(thread, model, sections, True, phase, sharing)
