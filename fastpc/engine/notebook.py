"""The seed notebook's own rule, compiled: states and weights move together, five steps a batch.

Its direction is generative. In fastpc's terms the network has sizes (10, 128, 784): W_1 is the notebook's W2, W_2 its
W1; its x2, x1 and x0 are the states of layers 0, 1 and 2. Per step, with the image clamped and e_0 the label's error:

    e_2 = x_2 - x_1 W_2,   e_1 = x_1 - x_0 W_1,   e_0 = y - softmax(x_0)
    x_1 += step (e_2 W_2^T - e_0 W_1)          where the energy's gradient has - e_1
    x_0 += step (e_1 W_1^T + e_0)
    W_2 += rate x_1^T e_2,   W_1 += rate x_0^T e_1          sums over the batch, the new states, no biases
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.energy import add_energy
from fastpc.engine.inputs import load_inputs, n_sections
from fastpc.engine.jit import driver, kernel
from fastpc.engine.layout import (
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    BATCH_ERROR,
    ERROR,
    ERROR_STRIDE,
    PREDICTION,
    SIZE,
    STATE,
    WEIGHTS,
)
from fastpc.engine.memory import borrow
from fastpc.engine.products import block_start, multiply, n_blocks
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import FIXED, next_step_size
from fastpc.engine.tile import area, softmax_errors, store_errors
from fastpc.engine.train import WEIGHTS_THEMSELVES, batch_order, has_failed, sum_batch
from fastpc.engine.transpose import store_rows, turn_rows
from fastpc.engine.update import all_finite, dense_gradient


class NotebookSettings(NamedTuple):
    """The rule's numbers, of the network's dtype."""

    steps: Any
    rate_per_step: Any  # the weights' rate divided by the state step, where the step is automatic; 0 where it is not
    rate: Any  # the weights' rate where the step is fixed


@kernel
def start_tile(model, inputs, order, first, count, t, tile, batch, work):
    """Clamp the images, set the other states to zero, and keep the labels where layer 0 has no prediction."""
    n_pixels, lanes = model.layers[2, SIZE], model.lanes
    stride = model.layers[2, ERROR_STRIDE]
    place = model.layers[2, BATCH_ERROR] + first * stride
    for section in range(n_sections(n_pixels)):
        load_inputs(inputs, order, first, count, n_pixels, section, batch.errors, place, stride, batch.masks, first)
    turn_rows(batch.errors, place, stride, count, n_pixels, tile, model.layers[2, STATE], lanes, work)
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
def set_prediction_errors(model, l, tile):
    """e_l = x_l - x_{l-1} W_l."""
    layers, lanes = model.layers, model.lanes
    n_in, n_out = layers[l - 1, SIZE], layers[l, SIZE]
    for block in range(n_blocks(n_out)):
        j = block_start(n_out, block)
        rows = block_start(n_out, block + 1) - j
        out = layers[l, ERROR] + j * lanes
        weights, states_below = layers[l, WEIGHTS] + j, layers[l - 1, STATE]
        multiply(rows, tile, out, lanes, model.parameters, weights, n_out, 1, tile, states_below, lanes, n_in)
        errors = borrow(tile, out, rows * lanes)
        states = borrow(tile, layers[l, STATE] + j * lanes, rows * lanes)
        for i in range(rows * lanes):
            errors[i] = states[i] - errors[i]


@kernel
def pull(model, l, j, rows, out, tile):
    """Write e_{l+1} W_{l+1}^T for `rows` units of layer l from j on to ``tile[out]``."""
    layers, lanes = model.layers, model.lanes
    above = layers[l + 1, SIZE]
    weights = layers[l + 1, WEIGHTS] + j * above
    multiply(rows, tile, out, lanes, model.parameters, weights, 1, above, tile, layers[l + 1, ERROR], lanes, above)


@kernel
def move_states(model, step_size, tile):
    """Both states' steps, from the errors as they are."""
    layers, lanes = model.layers, model.lanes
    n_top, n_hidden = layers[0, SIZE], layers[1, SIZE]
    for block in range(n_blocks(n_hidden)):
        j = block_start(n_hidden, block)
        rows = block_start(n_hidden, block + 1) - j
        count = rows * lanes
        pull(model, 1, j, rows, 0, tile)
        weights = layers[1, WEIGHTS] + j
        multiply(rows, tile, count, lanes, model.parameters, weights, n_hidden, 1, tile, layers[0, ERROR], lanes, n_top)
        up, down = borrow(tile, 0, count), borrow(tile, count, count)
        states = borrow(tile, layers[1, STATE] + j * lanes, count)
        for i in range(count):
            states[i] += step_size * (up[i] - down[i])
    for block in range(n_blocks(n_top)):
        j = block_start(n_top, block)
        rows = block_start(n_top, block + 1) - j
        count = rows * lanes
        pull(model, 0, j, rows, 0, tile)
        up = borrow(tile, 0, count)
        states = borrow(tile, layers[0, STATE] + j * lanes, count)
        errors = borrow(tile, layers[0, ERROR] + j * lanes, count)
        for i in range(count):
            states[i] += step_size * (up[i] + errors[i])


@kernel
def step_tile(model, inputs, step_size, step, batch, order, t, tile, work):
    """One step of the t-th tile of a batch; its errors and new states go to the batch buffers."""
    layers, lanes = model.layers, model.lanes
    first = t * lanes
    count = min(lanes, len(order) - first)
    if step == 0:
        start_tile(model, inputs, order, first, count, t, tile, batch, work)
    energies = borrow(batch.energies, t * 3, 3)
    for l in range(1, 3):
        set_prediction_errors(model, l, tile)
        energies[l] = 0
        add_energy(model, l, tile, count, energies)
        store_errors(model, l, first, count, tile, batch, work)
    targets, states = area(model, 0, PREDICTION, tile), area(model, 0, STATE, tile)
    softmax_errors(targets, states, area(model, 0, ERROR, tile), borrow(tile, 0, 2 * lanes), lanes)
    move_states(model, step_size, tile)
    for l in range(2):
        stride = layers[l, ACTIVITY_STRIDE]
        place = layers[l, BATCH_ACTIVITY] + first * stride
        store_rows(tile, layers[l, STATE], layers[l, SIZE], count, lanes, batch.activities, place, stride, work)


@kernel
def step_unit(model, rate, unit, n_samples, batch, gradient):
    """Add rate times the sum of activities and errors to a unit's rows; return whether they stay finite."""
    n_out = model.layers[unit[0], SIZE]
    stride = dense_gradient(model, unit, n_samples, batch, gradient)
    start = model.layers[unit[0], WEIGHTS] + unit[1] * n_out
    for i in range(unit[2] - unit[1]):
        weights = borrow(model.parameters, start + i * n_out, n_out)
        change = borrow(gradient, i * stride, n_out)
        for j in range(n_out):
            weights[j] += rate * change[j]
    return all_finite(model.parameters, start, (unit[2] - unit[1]) * n_out)


@driver
def train_notebook(thread, model, inputs, settings, step_size, units, chunk, batch, tiles, scratch, sharing):
    """Train on the batches of `chunk`: one thread's share. ``tiles[t]`` keeps a tile's states between its steps."""
    gradient, work = scratch.gradients[thread], scratch.work[thread]
    phase = -1
    for b in range(len(chunk.rates)):
        order = batch_order(chunk, b)
        n_samples = len(order)
        n_tiles = (n_samples + model.lanes - 1) // model.lanes
        # One unit more in every step finds the next one's size: here the weights move, and grow, in every step.
        extra = 0 if step_size.kind == FIXED else 1
        for s in range(settings.steps):
            phase += 1
            turn = b * settings.steps + s
            step = chunk.step_sizes[turn]
            rate = settings.rate if step_size.kind == FIXED else settings.rate_per_step * step
            n_done = 0
            while True:
                t = take_unit(sharing, phase, thread, n_tiles + extra)
                if t < 0:
                    break
                if t < n_tiles:
                    step_tile(model, inputs, step, s, batch, order, t, tiles[t], work)
                else:
                    chunk.step_sizes[turn + 1] = next_step_size(model, step_size)
                n_done += 1
            finish_units(sharing, phase, n_done)
            wait_for_phase(sharing, phase, n_tiles + extra)
            phase += 1
            n_done = 0
            while True:
                u = take_unit(sharing, phase, thread, len(units) + 1)
                if u < 0:
                    break
                if u < len(units):
                    if not step_unit(model, rate, units[u], n_samples, batch, gradient):
                        chunk.failed[WEIGHTS_THEMSELVES, units[u, 0]] = b + 1
                elif s == settings.steps - 1:
                    sum_batch(chunk, batch, b, n_samples, n_tiles)
                n_done += 1
            finish_units(sharing, phase, n_done)
            wait_for_phase(sharing, phase, len(units) + 1)
            if has_failed(chunk):
                return
