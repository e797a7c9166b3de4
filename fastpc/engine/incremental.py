"""Incremental predictive coding, compiled: states and weights move together, T times a batch.

Every step has two phases. First each tile of the batch predicts anew from the weights as they are, leaves its errors
and activities for the weights, and moves its states; then each unit of weights takes its step, from those errors and
activities. So both move from the same errors, and a tile keeps its states and inputs from step to step.

In a batch's first step, all errors but the output's are zero: only the layer below it moves, and only W_L has a
gradient. After the last one nothing reads the states, so they stay. Both are exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.energy import add_energies
from fastpc.engine.first import join_sections, predict_first, sum_inputs
from fastpc.engine.inputs import prefetch_tile
from fastpc.engine.jit import driver, kernel, merged_kernel
from fastpc.engine.layout import CHANGE, SIZE, STATE
from fastpc.engine.memory import borrow
from fastpc.engine.nudge import nudge_targets
from fastpc.engine.relax import state_gradients
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import FIXED, next_step_size
from fastpc.engine.tile import (
    activate_layer,
    area,
    count_correct,
    feed_forward,
    predict,
    set_errors,
    set_feed_forward_errors,
    set_output_errors,
    set_targets,
    store_tile,
)
from fastpc.engine.train import batch_order, has_failed, step_weights
from fastpc.engine.update import NUDGE

# Phases of a step: tiles; weights step (or, with clipping, gradients are measured); clipped weights step.
N_PHASES = 3


class Increments(NamedTuple):
    """How states and weights move."""

    steps: Any  # T, of each batch


@kernel
def begin_tile(model, inputs, nudge, batch, order, first, count, t, tile, work):
    """Start from the feed-forward pass, where only the output has an error."""
    sum_inputs(model, inputs, order, first, count, t, batch)
    join_sections(model, count, t, tile, batch, work)
    feed_forward(model, tile)
    batch.correct[t] = count_correct(model, inputs, order, first, count, tile) if inputs.has_labels else 0
    set_targets(model, inputs, order, first, count, tile)
    nudge_targets(model, nudge, tile)
    set_feed_forward_errors(model, tile)


@kernel
def predict_again(model, batch, count, t, tile, work):
    """All predictions and errors, for states and weights that have moved."""
    last = len(model.layers) - 1
    predict_first(model, count, t, tile, batch, work)
    for l in range(1, last):
        set_errors(model, l, tile)
        predict(model, l + 1, tile)
    set_output_errors(model, tile)


@kernel
def move_states(model, step_size, lowest, tile):
    """One step of the states of the hidden layers from `lowest` on, from the errors as they are."""
    for l in range(lowest, len(model.layers) - 1):
        state_gradients(model, l, tile)
        states, gradients = area(model, l, STATE, tile), area(model, l, CHANGE, tile)
        for i in range(len(states)):
            states[i] += step_size * gradients[i]
        activate_layer(model, l, tile)


@kernel
def step_tile(model, inputs, step_size, nudge, batch, order, following, t, step, steps, tiles, work):
    """One step of the t-th tile of a batch; its errors and activities from before the move go to the batch buffers."""
    last, lanes = len(model.layers) - 1, model.lanes
    tile = tiles[t]
    first = t * lanes
    count = min(lanes, len(order) - first)
    if step == 0:
        begin_tile(model, inputs, nudge, batch, order, first, count, t, tile, work)
    else:
        predict_again(model, batch, count, t, tile, work)
    energies = borrow(batch.energies, t * (last + 1), last + 1)
    for l in range(last + 1):
        energies[l] = 0
    add_energies(model, tile, count, energies)
    store_tile(model, first, count, tile, batch, work)
    if step < steps - 1:
        move_states(model, step_size, 1 if step > 0 else max(1, last - 1), tile)
    else:
        prefetch_tile(inputs, following, first, lanes, model.layers[0, SIZE])


@merged_kernel
def step_tiles(thread, model, inputs, step_size, chunk, batch, b, step, steps, phase, sharing, tiles, work):
    """One step of all tiles; one unit more finds the next step's size, from the weights as they stand."""
    turn = b * steps + step
    order, following = batch_order(chunk, b), batch_order(chunk, b + 1)
    n_tiles = (len(order) + model.lanes - 1) // model.lanes
    extra = 0 if step_size.kind == FIXED else 1
    n_done = 0
    while True:
        t = take_unit(sharing, phase, thread, n_tiles + extra)
        if t < 0:
            break
        if t == n_tiles:
            chunk.step_sizes[turn + 1] = next_step_size(model, step_size)
        else:
            step_tile(
                model, inputs, chunk.step_sizes[turn], chunk.rates[turn, NUDGE], batch, order, following, t, step,
                steps, tiles, work,
            )  # fmt: skip
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_tiles + extra)


@driver
def train_incremental(
    thread, model, inputs, increments, step_size, optimizer, units, norms, chunk, batch, tiles, scratch, sharing
):
    """Train on the batches of `chunk`, with entries of `rates` and `step_sizes` for every step: one thread's share.

    ``tiles[t]`` keeps a tile's states between its steps.
    """
    gradient, work = scratch.gradients[thread], scratch.work[thread]
    last, steps = len(model.layers) - 1, increments.steps
    for b in range(len(chunk.correct)):
        for step in range(steps):
            turn = b * steps + step
            phase = N_PHASES * turn
            step_tiles(thread, model, inputs, step_size, chunk, batch, b, step, steps, phase, sharing, tiles, work)
            step_weights(
                thread, model, optimizer, units, norms, chunk, chunk.rates[turn], last if step == 0 else 1, batch, b,
                phase + 1, sharing, gradient,
            )  # fmt: skip
            if has_failed(chunk):
                return
