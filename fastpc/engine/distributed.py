"""A batch that several processes share, in two calls: the gradient's sum over one's own samples, and the step.

Between the two the caller adds up the sums of all. So that the sum of a batch does not depend on how many share it, it
has a fixed form: the batch is divided into ``LEAVES`` stretches, each summed in the samples' order, and the stretches'
sums are added as the leaves of a binary tree. One of 2, 4 or 8 processes holds a subtree, and adding its sum to its
neighbour's is the tree's next level.
"""

from __future__ import annotations

import numpy as np

from fastpc.engine.jit import driver, kernel
from fastpc.engine.layout import ACTIVITY_STRIDE, ERROR_STRIDE, SIZE, WEIGHTS
from fastpc.engine.memory import borrow
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.tile import Batch
from fastpc.engine.train import (
    WEIGHTS_THEMSELVES,
    clipping_factor,
    prepare,
    prepares,
    relax_tiles,
    squared_norm,
    sum_sections,
)
from fastpc.engine.update import NUDGE, unit_gradient, unit_step

LEAVES = 8
# Sums that wait for their neighbours while a tree of so many leaves is added up, and the leaf at hand.
DEPTH = LEAVES.bit_length()
# Phases of a step: weights step (or, with clipping, gradients are measured); clipped weights step.
N_STEP_PHASES = 2


@kernel
def from_sample(model, batch, l, first):
    """Return a batch's buffers as if they began at a sample: those of layer l's errors, and of what these multiply."""
    layers = model.layers
    return Batch(
        # As long as before, as are the rows: how far apart a sample's words lie is a part of the whole.
        masks=borrow(batch.masks, first, len(batch.masks)),
        turned=batch.turned,
        inputs=batch.inputs,
        rows=borrow(batch.rows, first, len(batch.rows)),
        in_place=batch.in_place,
        room=batch.room,
        values=batch.values,
        sums=batch.sums,
        errors=borrow(batch.errors, first * layers[l, ERROR_STRIDE], len(batch.errors)),
        activities=borrow(batch.activities, first * layers[l - 1, ACTIVITY_STRIDE], len(batch.activities)),
        energies=batch.energies,
        correct=batch.correct,
        steps=batch.steps,
    )


@kernel
def add_unit(model, unit, leaves, batch, waiting, total):
    """Write a unit's gradient, summed over the leaves between the samples ``leaves[0]``, ``leaves[1]``, …

    ``waiting[k]`` are sums whose neighbours in the tree are still to come.
    """
    l, first, end = unit[0], unit[1], unit[2]
    n_out, depth, stride = model.layers[l, SIZE], 0, 0
    for leaf in range(len(leaves) - 1):
        start = leaves[leaf]
        rest = from_sample(model, batch, l, start)
        stride = unit_gradient(model, unit, leaves[leaf + 1] - start, rest, waiting[depth])
        left = leaf
        while left % 2 == 1:
            left //= 2
            depth -= 1
            sums, others = waiting[depth], waiting[depth + 1]
            for i in range((end - first) * stride):
                sums[i] += others[i]
        depth += 1
    sums = waiting[0]
    for i in range(end - first):
        row = borrow(total, model.layers[l, WEIGHTS] + (first + i) * n_out, n_out)
        for j in range(n_out):
            row[j] = sums[i * stride + j]


@kernel
def sum_measures(chunk, batch, n_tiles):
    """Write the sums over one's own samples of each layer's energy, and of those that were right."""
    n_layers = chunk.energies.shape[1]
    for t in range(n_tiles):
        for l in range(1, n_layers):
            chunk.energies[0, l] += batch.energies[t * n_layers + l]
        chunk.correct[0] += batch.correct[t]


@driver
def sum_gradient(
    thread, model, inputs, relaxation, step_size, units, leaves, chunk, batch, scratch, waiting, sharing, total
):
    """Relax the first batch of `chunk`, one's own samples of it, and write the sum of their gradients to `total`."""
    if len(chunk.rates) == 0:  # only to be compiled
        return
    tile, gradient = scratch.tiles[thread], scratch.gradients[thread]
    work, own = scratch.work[thread], waiting[thread]
    trace = np.empty((0, 1))
    if prepares(model):
        prepare(thread, model, 0, sharing, gradient, work)
    sum_sections(thread, model, inputs, chunk, batch, 0, sharing)
    relax_tiles(thread, model, inputs, relaxation, step_size, chunk, batch, 0, sharing, tile, work, trace)
    n_units, phase = len(units), 3
    n_done = 0
    while True:
        u = take_unit(sharing, phase, thread, n_units + 1)
        if u < 0:
            break
        if u < n_units:
            add_unit(model, units[u], leaves, batch, own, total)
        else:
            sum_measures(chunk, batch, (leaves[-1] + model.lanes - 1) // model.lanes)
        n_done += 1
    finish_units(sharing, phase, n_done)


@driver
def step_by_sum(thread, model, optimizer, units, norms, n_samples, chunk, sharing, total):
    """Step the weights by the gradients' sum over all `n_samples` of the batch; note in `chunk` where they burst."""
    if len(chunk.rates) == 0:
        return
    rates = chunk.rates[0]
    scale = -model.precisions.dtype.type(1) / (rates[NUDGE] * model.precisions.dtype.type(n_samples))
    clips = optimizer.clip_norm > 0
    n_units = len(units)
    for turn in range(2 if clips else 1):
        measures = clips and turn == 0
        n_done = 0
        while True:
            u = take_unit(sharing, turn, thread, n_units)
            if u < 0:
                break
            unit = units[u]
            n_out = model.layers[unit[0], SIZE]
            place = model.layers[unit[0], WEIGHTS] + unit[1] * n_out
            gradient = borrow(total, place, (unit[2] - unit[1]) * n_out)
            if measures:
                norms[u] = squared_norm(model, unit, gradient, n_out)
            elif not unit_step(model, optimizer, rates, scale, unit, gradient, n_out):
                chunk.failed[WEIGHTS_THEMSELVES, unit[0]] = 1
            n_done += 1
        finish_units(sharing, turn, n_done)
        if measures:
            wait_for_phase(sharing, turn, n_units)
            scale *= model.precisions.dtype.type(clipping_factor(optimizer, norms, n_samples * abs(rates[NUDGE])))
