"""Hybrid predictive coding: a bottom-up network guesses where a generative one's relaxation ends, and learns from that.

The generative network has labels or latents at layer 0 and images at layer L; the bottom-up one has the same layers in
the other order, so that its layer k guesses layer L - k. Every tile makes its guess, relaxes from there, and leaves two
sets of errors behind: the generative network's, and those of the guess, each bottom-up layer predicting the relaxed
states of one layer from the relaxed states of the one before.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.energy import add_energies
from fastpc.engine.evaluate import copy_out
from fastpc.engine.first import clamp_inputs, join_sections, sum_inputs
from fastpc.engine.jit import driver, kernel
from fastpc.engine.layout import PREDICTION, STATE
from fastpc.engine.memory import borrow
from fastpc.engine.relax import relax
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import FIXED, next_step_size
from fastpc.engine.tile import (
    activate_layer,
    area,
    count_correct,
    feed_forward,
    predict,
    set_errors,
    set_targets,
    store_tile,
)
from fastpc.engine.train import N_PHASES, batch_order, has_failed, prepare, prepares, step_weights


class Side(NamedTuple):
    """All that one of the two networks brings; see `fastpc.engine.train.train_chunk`."""

    model: Any
    inputs: Any
    optimizer: Any
    units: Any
    norms: Any
    chunk: Any
    batch: Any
    scratch: Any
    sharing: Any


@kernel
def copy_states(numbers, states):
    """Copy one layer's numbers of a tile."""
    for i in range(len(states)):
        states[i] = numbers[i]


@kernel
def guess(down, up, order, first, count, slot, thread):
    """Clamp both networks' tiles to their data, and start the generative one's states where the other guesses them."""
    tile, own = down.scratch.tiles[thread], up.scratch.tiles[thread]
    sum_inputs(up.model, up.inputs, order, first, count, slot, up.batch)
    join_sections(up.model, count, slot, own, up.batch, up.scratch.work[thread])
    feed_forward(up.model, own)
    sum_inputs(down.model, down.inputs, order, first, count, slot, down.batch)
    join_sections(down.model, count, slot, tile, down.batch, down.scratch.work[thread])
    set_targets(down.model, down.inputs, order, first, count, tile)
    last = len(down.model.layers) - 1
    if down.model.lowest == 0:
        copy_states(area(up.model, last, PREDICTION, own), area(down.model, 0, STATE, tile))
        activate_layer(down.model, 0, tile)
        predict(down.model, 1, tile)
    for l in range(1, last):
        copy_states(area(up.model, last - l, STATE, own), area(down.model, l, STATE, tile))
        activate_layer(down.model, l, tile)


@kernel
def learn_guess(down, up, first, count, slot, thread):
    """Leave the errors of the guess, between neighbouring layers of the relaxed states."""
    tile, own = down.scratch.tiles[thread], up.scratch.tiles[thread]
    last = len(down.model.layers) - 1
    for l in range(1, last):
        copy_states(area(down.model, last - l, STATE, tile), area(up.model, l, STATE, own))
        activate_layer(up.model, l, own)
    if down.model.lowest == 1:
        clamp_inputs(down.model, count, slot, tile, down.batch, down.scratch.work[thread])
    copy_states(area(down.model, 0, STATE, tile), area(up.model, last, STATE, own))
    for l in range(1, last + 1):
        if l > 1:
            predict(up.model, l, own)
        set_errors(up.model, l, own)
    add_tile_energies(up, slot, count, own)
    store_tile(up.model, first, count, own, up.batch, up.scratch.work[thread])


@kernel
def add_tile_energies(side, slot, count, tile):
    """The energies of a tile, in its slot of the batch."""
    n_layers = len(side.model.layers)
    energies = borrow(side.batch.energies, slot * n_layers, n_layers)
    for l in range(n_layers):
        energies[l] = 0
    add_energies(side.model, tile, count, energies)


@kernel
def train_hybrid_tile(down, up, relaxation, step, order, t, thread, trace):
    """Guess, relax, and leave both networks' errors and activities in their batches."""
    lanes = down.model.lanes
    first = t * lanes
    count = min(lanes, len(order) - first)
    tile, work = down.scratch.tiles[thread], down.scratch.work[thread]
    guess(down, up, order, first, count, t, thread)
    own = up.scratch.tiles[thread]
    correct = count_correct(up.model, up.inputs, order, first, count, own) if up.inputs.has_labels else 0
    down.batch.correct[t] = correct
    up.batch.correct[t] = correct
    down.batch.steps[t] = relax(down.model, relaxation, step, order, first, count, tile, work, trace)
    add_tile_energies(down, t, count, tile)
    store_tile(down.model, first, count, tile, down.batch, work)
    learn_guess(down, up, first, count, t, thread)


@kernel
def relax_hybrid_tiles(thread, down, up, relaxation, step_size, b, trace):
    """The tiles of batch b; one unit more finds the next batch's step size."""
    order = batch_order(down.chunk, b)
    n_tiles = (len(order) + down.model.lanes - 1) // down.model.lanes
    extra = 0 if step_size.kind == FIXED else 1
    phase = N_PHASES * b + 2
    n_done = 0
    while True:
        unit = take_unit(down.sharing, phase, thread, n_tiles + extra)
        if unit < 0:
            break
        if unit < extra:
            down.chunk.step_sizes[b + 1] = next_step_size(down.model, step_size)
        else:
            train_hybrid_tile(down, up, relaxation, down.chunk.step_sizes[b], order, unit - extra, thread, trace)
        n_done += 1
    finish_units(down.sharing, phase, n_done)
    wait_for_phase(down.sharing, phase, n_tiles + extra)


@kernel
def step_side(thread, side, b):
    """Every unit of one network's weights takes its step."""
    step_weights(
        thread, side.model, side.optimizer, side.units, side.norms, side.chunk, side.chunk.rates[b], 1, side.batch, b,
        N_PHASES * b + 3, side.sharing, side.scratch.gradients[thread],
    )  # fmt: skip


@kernel
def prepare_side(thread, side, b):
    """What one network's products need more than its weights as they are."""
    if prepares(side.model):
        prepare(thread, side.model, b, side.sharing, side.scratch.gradients[thread], side.scratch.work[thread])


@driver
def train_hybrid(thread, down, up, relaxation, step_size):
    """Train both networks on the batches of a chunk: one thread's share."""
    trace = np.empty((0, 1))
    for b in range(len(down.chunk.rates)):
        prepare_side(thread, down, b)
        prepare_side(thread, up, b)
        relax_hybrid_tiles(thread, down, up, relaxation, step_size, b, trace)
        step_side(thread, down, b)
        step_side(thread, up, b)
        if has_failed(down.chunk) or has_failed(up.chunk):
            return


@driver
def infer_hybrid(thread, down, up, relaxation, step_size, order, found):
    """Relax from the guess with layer 0 free, and write x_0: ``found[k]`` for sample ``order[k]``."""
    tile, work = down.scratch.tiles[thread], down.scratch.work[thread]
    lanes = down.model.lanes
    trace = np.empty((0, 1))
    prepare_side(thread, down, 0)
    while True:
        t = take_unit(down.sharing, 1, thread, (len(order) + lanes - 1) // lanes)
        if t < 0:
            break
        first = t * lanes
        count = min(lanes, len(order) - first)
        guess(down, up, order, first, count, thread, thread)
        relax(down.model, relaxation, step_size, order, first, count, tile, work, trace)
        copy_out(down.model, 0, STATE, first, count, tile, found)
