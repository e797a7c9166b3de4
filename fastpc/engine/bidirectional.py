"""Bidirectional predictive coding: states that two sets of weights predict, from below and from above.

With e_l = x_l - mu_l from below and d_l = x_l - nu_l from above, each step moves all hidden layers at once by

    -dF/dx_l = f'(x_l) (alpha_f e_{l+1} W_{l+1}^T + alpha_b d_{l-1} V_l^T) - alpha_f e_l - alpha_b d_l

which is the sum of what either direction alone would move them by. The alphas are the two models' precisions, so the
errors in a tile carry them. As samples do not meet, a tile takes all its steps in one go. The image's own prediction is
linear in f(x_1): where that pays, it pulls on x_1 through its Gram matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.activations import advance, is_piecewise_linear
from fastpc.engine.energy import add_energies
from fastpc.engine.evaluate import copy_out
from fastpc.engine.first import clamp_inputs, join_sections, sum_inputs
from fastpc.engine.gram import set_pull, uses_gram
from fastpc.engine.inputs import prefetch_tile
from fastpc.engine.jit import driver, kernel, merged_kernel
from fastpc.engine.layout import (
    ACTIVATION,
    ACTIVITY,
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    CHANGE,
    ERROR,
    SIZE,
    SLOPE,
    STATE,
)
from fastpc.engine.memory import borrow
from fastpc.engine.relax import carry, state_gradients
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import next_step_size
from fastpc.engine.tile import (
    activate_layer,
    area,
    count_correct,
    feed_forward,
    predict,
    set_errors,
    set_output_errors,
    set_targets,
    store_errors,
    store_tile,
)
from fastpc.engine.train import N_PHASES, batch_order, has_failed, prepare, prepares, step_weights
from fastpc.engine.transpose import store_rows


class Directions(NamedTuple):
    """Three models around one vector of parameters and one table; see bidirectional_layout."""

    up: Any  # the bottom-up rows
    down: Any  # the top-down rows
    both: Any  # all rows, for the weights


class Steps(NamedTuple):
    """How the states settle."""

    count: Any
    automatic: Any  # bool: the state step follows the weights


class StepSizes(NamedTuple):
    """What each direction's automatic step would be, were it alone."""

    up: Any  # StepSize
    down: Any  # StepSize


@kernel
def next_step(directions, step_sizes):
    """Return the state step for the weights as they are now: both directions' curvatures add up."""
    up, down = next_step_size(directions.up, step_sizes.up), next_step_size(directions.down, step_sizes.down)
    return up * down / (up + down)


@kernel
def move(directions, step_size, tile):
    """One step of all hidden layers; both directions' CHANGE is then that of f(x_l), their errors moved with x_l."""
    up, down = directions.up, directions.down
    last = len(up.layers) - 1
    # Errors are read from both sides of a layer: none may move before all gradients are there.
    for l in range(1, last):
        state_gradients(up, l, tile)
        state_gradients(down, last - l, tile)
    for l in range(1, last):
        row, k = up.layers[l], last - l
        alpha_up, alpha_down = up.precisions[l], down.precisions[k]
        change, change_down = area(up, l, CHANGE, tile), area(down, k, CHANGE, tile)
        errors, errors_down = area(up, l, ERROR, tile), area(down, k, ERROR, tile)
        for i in range(len(change)):
            change[i] = step_size * (change[i] + change_down[i])
            errors[i] += alpha_up * change[i]
            errors_down[i] += alpha_down * change[i]
        advance(row[ACTIVATION], tile, row[CHANGE], row[STATE], row[ACTIVITY], row[SLOPE], len(change))
        for i in range(len(change)):
            change_down[i] = change[i]


@kernel
def start_errors(directions, tile):
    """Set both directions' errors at the bottom-up feed-forward states, where none of the hidden ones is from below."""
    up, down = directions.up, directions.down
    for l in range(1, len(up.layers) - 1):
        set_errors(up, l, tile)
    set_output_errors(up, tile)
    activate_layer(down, 0, tile)
    for k in range(1, len(down.layers)):
        predict(down, k, tile)
        set_errors(down, k, tile)


@merged_kernel
def relax_both(directions, n_steps, step_size, count, tile, trace):
    """Relax the tile from the bottom-up feed-forward states, with image and label clamped.

    ``trace[t]`` (steps + 1 rows, or none) receives the energies after t steps.
    """
    up, down = directions.up, directions.down
    last = len(up.layers) - 1
    start_errors(directions, tile)
    # Through its Gram matrix, the image itself is wanted at the end alone; a trace wants its energy in every step.
    with_image = not uses_gram(down) or len(trace) > 0
    if uses_gram(down):
        set_pull(down, tile)
    for t in range(n_steps if last > 1 else 0):
        if len(trace) > 0:
            add_both_energies(directions, count, tile, trace[t])
        move(directions, step_size, tile)
        carry(up, 1, True, tile)
        carry(down, 1, with_image, tile)
    for l in range(1, last):
        if is_piecewise_linear(up.layers[l, ACTIVATION]):
            activate_layer(up, l, tile)
    if not with_image:
        predict(down, last, tile)
        set_errors(down, last, tile)
    for t in range(n_steps if last > 1 else 0, len(trace)):
        add_both_energies(directions, count, tile, trace[t])


@kernel
def add_both_energies(directions, count, tile, energies):
    """Add the energies of the bottom-up layers, and behind them of the top-down ones, to `energies`."""
    n_rows = len(directions.up.layers)
    add_energies(directions.up, tile, count, borrow(energies, 0, n_rows))
    add_energies(directions.down, tile, count, borrow(energies, n_rows, n_rows))


@kernel
def store_both(directions, first, count, tile, batch, work):
    """Copy both directions' errors, the hidden activities and the labels to the batch buffers."""
    down = directions.down
    store_tile(directions.up, first, count, tile, batch, work)
    for k in range(1, len(down.layers)):
        store_errors(down, k, first, count, tile, batch, work)
    stride, size = down.layers[0, ACTIVITY_STRIDE], down.layers[0, SIZE] + 1
    place = down.layers[0, BATCH_ACTIVITY] + first * stride
    store_rows(tile, down.layers[0, ACTIVITY], size, count, down.lanes, batch.activities, place, stride, work)


@merged_kernel
def train_both(directions, inputs, n_steps, step_size, batch, order, t, tile, work, trace):
    """Relax the t-th tile of a batch whose samples are `order`, and leave its errors and activities in `batch`."""
    up = directions.up
    first = t * up.lanes
    count = min(up.lanes, len(order) - first)
    sum_inputs(up, inputs, order, first, count, t, batch)
    join_sections(up, count, t, tile, batch, work)
    clamp_inputs(up, count, t, tile, batch, work)
    feed_forward(up, tile)
    batch.correct[t] = count_correct(up, inputs, order, first, count, tile) if inputs.has_labels else 0
    set_targets(up, inputs, order, first, count, tile)
    relax_both(directions, n_steps, step_size, count, tile, trace)
    n_rows = len(directions.both.layers)
    energies = borrow(batch.energies, t * n_rows, n_rows)
    for l in range(n_rows):
        energies[l] = 0
    add_both_energies(directions, count, tile, energies)
    store_both(directions, first, count, tile, batch, work)


@merged_kernel
def relax_tiles(thread, directions, inputs, steps, step_sizes, chunk, batch, b, sharing, tile, work, trace):
    """Phase 2: the tiles of batch b; one unit more finds the next batch's step size, from the weights as they stand."""
    up = directions.up
    order, following = batch_order(chunk, b), batch_order(chunk, b + 1)
    n_tiles = (len(order) + up.lanes - 1) // up.lanes
    extra = 1 if steps.automatic else 0
    phase = N_PHASES * b + 1
    n_done = 0
    while True:
        unit = take_unit(sharing, phase, thread, n_tiles + extra)
        if unit < 0:
            break
        if unit < extra:
            chunk.step_sizes[b + 1] = next_step(directions, step_sizes)
        else:
            t = unit - extra
            train_both(directions, inputs, steps.count, chunk.step_sizes[b], batch, order, t, tile, work, trace)
            prefetch_tile(inputs, following, t * up.lanes, up.lanes, up.layers[0, SIZE])
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_tiles + extra)


@driver
def train_bidirectional(
    thread, directions, inputs, steps, step_sizes, optimizer, units, norms, chunk, batch, scratch, sharing
):
    """Train on the batches of `chunk`: one thread's share; the phases are those of `train.train_chunk`."""
    tile, gradient = scratch.tiles[thread], scratch.gradients[thread]
    work = scratch.work[thread]
    trace = np.empty((0, 1))
    for b in range(len(chunk.rates)):
        if prepares(directions.down):
            prepare(thread, directions.down, b, sharing, gradient, work)
        relax_tiles(thread, directions, inputs, steps, step_sizes, chunk, batch, b, sharing, tile, work, trace)
        phase = N_PHASES * b + 2
        step_weights(
            thread, directions.both, optimizer, units, norms, chunk, chunk.rates[b], 1, batch, b, phase, sharing,
            gradient,
        )  # fmt: skip
        if has_failed(chunk):
            return


@driver
def relax_bidirectional(thread, directions, inputs, n_steps, step_size, order, states, traces, batch, scratch, sharing):
    """Relax a batch as training does; keep the states (samples, sum of hidden n_l) and each tile's energy trace."""
    tile, work = scratch.tiles[thread], scratch.work[thread]
    up = directions.up
    while True:
        t = take_unit(sharing, 0, thread, (len(order) + up.lanes - 1) // up.lanes)
        if t < 0:
            break
        train_both(directions, inputs, n_steps, step_size, batch, order, t, tile, work, traces[t])
        first = t * up.lanes
        offset = 0
        for l in range(1, len(up.layers) - 1):
            size = up.layers[l, SIZE]
            count = min(up.lanes, len(order) - first)
            copy_out(up, l, STATE, first, count, tile, states[:, offset : offset + size])
            offset += size
