"""Many batches in one call: tiles relax, blocks of weights step, batch after batch, in one parallel region."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.first import join_sections, load_section, sum_section
from fastpc.engine.gram import gram_strip, n_gram_units, uses_gram
from fastpc.engine.inputs import n_sections, prefetch_inputs
from fastpc.engine.jit import driver, kernel, merged_kernel
from fastpc.engine.layout import BATCH_ERROR, ERROR_STRIDE, SIZE
from fastpc.engine.memory import borrow, prefetch_rows
from fastpc.engine.nudge import nudge_targets
from fastpc.engine.packed import n_packed_units, pack_unit, uses_packed
from fastpc.engine.settle import settle
from fastpc.engine.sharing import finish_units, take_unit, wait_for_phase
from fastpc.engine.step_size import FIXED, next_step_size
from fastpc.engine.tile import count_correct, feed_forward, set_targets, store_tile
from fastpc.engine.update import NUDGE, no_gradient, unit_gradient, unit_step

# Phases of a batch: a wide output's Gram matrix and packed weights; sections of the first product; tiles relax; weights
# step (or, with clipping, gradients are measured); clipped weights step.
N_PHASES = 5
# Rows of `Chunk.failed`.
ENERGIES, WEIGHTS_THEMSELVES = range(2)


class Chunk(NamedTuple):
    """The batches of one call, and what is measured on the way."""

    order: Any  # (samples,) int64, batch after batch
    batch_size: Any
    step_sizes: Any  # (batches + 1,) state steps; entry b + 1 is found while batch b relaxes
    rates: Any  # (steps of the weights, N_RATES), see update
    energies: Any  # (batches, L + 1) float64, means over the batch
    correct: Any  # (batches,) int64
    ceiling: Any  # a layer's mean energy above this counts as divergence
    failed: Any  # (2, L + 1) int64: 1 + the batch in which a layer's energy, or its weights, diverged; else 0


class Scratch(NamedTuple):
    """The threads' own memory, one row each."""

    tiles: Any  # (threads, tile_size)
    work: Any  # (threads, 4 * lanes) int64
    gradients: Any  # (threads, largest unit)


@merged_kernel
def train_tile(model, inputs, relaxation, step_size, nudge, batch, order, t, tile, work, trace):
    """Relax the t-th tile of a batch whose samples are `order`, and leave its errors and activities in `batch`.

    Its sections' sums are there already.
    """
    lanes = model.lanes
    first = t * lanes
    count = min(lanes, len(order) - first)
    join_sections(model, count, t, tile, batch, work)
    feed_forward(model, tile)
    batch.correct[t] = count_correct(model, inputs, order, first, count, tile) if inputs.has_labels else 0
    set_targets(model, inputs, order, first, count, tile)
    nudge_targets(model, nudge, tile)
    energies = borrow(batch.energies, t * len(model.layers), len(model.layers))
    for l in range(len(energies)):
        energies[l] = 0
    batch.steps[t] = settle(model, relaxation, step_size, order, first, count, tile, work, energies, trace)
    store_tile(model, first, count, tile, batch, work)


@kernel
def sum_batch(chunk, batch, b, n_samples, n_tiles):
    """Mean energies of batch b, tile after tile; a layer whose energy is not finite or too large has failed."""
    n_layers = chunk.energies.shape[1]
    for l in range(1, n_layers):
        total = 0.0
        for t in range(n_tiles):
            total += batch.energies[t * n_layers + l]
        chunk.energies[b, l] = total / n_samples
        if not total / n_samples <= chunk.ceiling:
            chunk.failed[ENERGIES, l] = b + 1
    correct = 0
    for t in range(n_tiles):
        correct += batch.correct[t]
    chunk.correct[b] = correct


@kernel
def has_failed(chunk):
    """Return whether any layer has diverged."""
    for l in range(1, chunk.failed.shape[1]):
        if chunk.failed[ENERGIES, l] != 0 or chunk.failed[WEIGHTS_THEMSELVES, l] != 0:
            return True
    return False


@kernel
def squared_norm(model, unit, gradient, stride):
    """Return the squared length of a unit's gradient."""
    n_out = model.layers[unit[0], SIZE]
    total = 0.0
    for i in range(unit[2] - unit[1]):
        row = borrow(gradient, i * stride, n_out)
        part = gradient.dtype.type(0)
        for j in range(n_out):
            part += row[j] * row[j]
        total += part
    return total


@merged_kernel
def relax_tiles(thread, model, inputs, relaxation, step_size, chunk, batch, b, sharing, tile, work, trace):
    """Phase 3: the tiles of batch b; one unit more finds the next batch's step size, from the weights as they stand."""
    order = batch_order(chunk, b)
    n_tiles = (len(order) + model.lanes - 1) // model.lanes
    extra = 0 if step_size.kind == FIXED else 1
    phase = N_PHASES * b + 2
    n_done = 0
    while True:
        unit = take_unit(sharing, phase, thread, n_tiles + extra)
        if unit < 0:
            break
        if unit < extra:
            chunk.step_sizes[b + 1] = next_step_size(model, step_size)
        else:
            t = unit - extra
            step, nudge = chunk.step_sizes[b], chunk.rates[b, NUDGE]
            train_tile(model, inputs, relaxation, step, nudge, batch, order, t, tile, work, trace)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_tiles + extra)


@kernel
def prepares(model):
    """Return whether products need more than the weights as they are."""
    return uses_gram(model) or uses_packed(model)


@kernel
def prepare(thread, model, b, sharing, gradient, work):
    """Phase 1: a wide output's Gram matrix, and packed weights, from the weights as they stand."""
    n_strips = n_gram_units(model)
    n_units = n_strips + n_packed_units(model)
    phase = N_PHASES * b
    n_done = 0
    while True:
        unit = take_unit(sharing, phase, thread, n_units)
        if unit < 0:
            break
        if unit < n_strips:
            gram_strip(model, unit, gradient, work)
        else:
            pack_unit(model, unit - n_strips)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_units)


@kernel
def sum_sections(thread, model, inputs, chunk, batch, b, sharing):
    """Phase 2: the sections of the first product, for tile after tile; then the next batch's inputs are asked for."""
    order, following = batch_order(chunk, b), batch_order(chunk, b + 1)
    n_inputs, lanes = model.layers[0, SIZE], model.lanes
    n_tiles = (len(order) + lanes - 1) // lanes
    n_units = n_sections(n_inputs) * n_tiles
    phase = N_PHASES * b + 1
    n_done = 0
    while True:
        unit = take_unit(sharing, phase, thread, n_units)
        if unit < 0:
            break
        section, t = unit // n_tiles, unit % n_tiles
        first = t * lanes
        count = min(lanes, len(order) - first)
        load_section(model, inputs, order, first, count, t, section, batch)
        sum_section(model, count, t, section, batch)
        prefetch_inputs(inputs, following, first, min(lanes, len(following) - first), n_inputs, section)
        n_done += 1
    finish_units(sharing, phase, n_done)
    wait_for_phase(sharing, phase, n_units)


@kernel
def batch_order(chunk, b):
    """Return batch b's samples, in order; none behind the last batch."""
    first = min(b * chunk.batch_size, len(chunk.order))
    return borrow(chunk.order, first, min(chunk.batch_size, len(chunk.order) - first))


@merged_kernel
def step_weights(thread, model, optimizer, units, norms, chunk, rates, first_layer, batch, b, phase, sharing, gradient):
    """Phase 4: every unit of weights takes its step; with clipping, it first only measures its gradient.

    Layers below the first one given have no errors yet.
    """
    n_samples = len(batch_order(chunk, b))
    n_units, n_tiles = len(units), (n_samples + model.lanes - 1) // model.lanes
    scale = -model.precisions.dtype.type(1) / (rates[NUDGE] * model.precisions.dtype.type(n_samples))
    clips = optimizer.clip_norm > 0
    # The first layer's units soon read all of its errors, of which other cores hold a part.
    start, stride = model.layers[1, BATCH_ERROR], model.layers[1, ERROR_STRIDE]
    prefetch_rows(batch.errors, start, n_samples * stride, False)
    for turn in range(2 if clips else 1):
        # The second turn sums gradients again rather than keep them: together they are as large as the network.
        measures = clips and turn == 0
        n_done = 0
        while True:
            u = take_unit(sharing, phase + turn, thread, n_units + 1)
            if u < 0:
                break
            if u > 0:
                unit = units[u - 1]
                if unit[0] < first_layer:
                    stride = no_gradient(model, unit, gradient)
                else:
                    stride = unit_gradient(model, unit, n_samples, batch, gradient)
                if measures:
                    norms[u - 1] = squared_norm(model, unit, gradient, stride)
                elif not unit_step(model, optimizer, rates, scale, unit, gradient, stride):
                    chunk.failed[WEIGHTS_THEMSELVES, unit[0]] = b + 1
            elif turn == 0:
                sum_batch(chunk, batch, b, n_samples, n_tiles)
            n_done += 1
        finish_units(sharing, phase + turn, n_done)
        wait_for_phase(sharing, phase + turn, n_units + 1)
        if has_failed(chunk):
            return
        if measures:
            scale *= model.precisions.dtype.type(clipping_factor(optimizer, norms, n_samples * abs(rates[NUDGE])))


@kernel
def clipping_factor(optimizer, norms, divisor):
    """Return what brings the gradient's length down to the limit, from the squared lengths of its units' sums.

    NaN where these overflow: a step of nothing would hide it.
    """
    total = 0.0
    for u in range(len(norms)):
        total += norms[u]
    length = np.sqrt(total) / divisor
    if length == np.inf:
        return np.nan
    return min(1.0, optimizer.clip_norm / length) if length > 0 else 1.0


@driver
def train_chunk(thread, model, inputs, relaxation, step_size, optimizer, units, norms, chunk, batch, scratch, sharing):
    """Train on the batches of `chunk`: one thread's share; see sharing for why there is no barrier."""
    tile, gradient = scratch.tiles[thread], scratch.gradients[thread]
    work = scratch.work[thread]
    # No trace: allocated once a call, as nothing is in the loop.
    trace = np.empty((0, 1))
    for b in range(len(chunk.rates)):
        if prepares(model):
            prepare(thread, model, b, sharing, gradient, work)
        sum_sections(thread, model, inputs, chunk, batch, b, sharing)
        relax_tiles(thread, model, inputs, relaxation, step_size, chunk, batch, b, sharing, tile, work, trace)
        phase = N_PHASES * b + 3
        step_weights(
            thread, model, optimizer, units, norms, chunk, chunk.rates[b], 1, batch, b, phase, sharing, gradient
        )  # fmt: skip
        if has_failed(chunk):
            return
