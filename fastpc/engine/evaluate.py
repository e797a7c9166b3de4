"""What is asked of a network that stands still: outputs, relaxed states, the weights' gradient."""

from __future__ import annotations

import numpy as np

from fastpc.engine.first import join_sections, sum_inputs
from fastpc.engine.jit import driver, kernel
from fastpc.engine.layout import PREDICTION, SIZE, STATE, WEIGHTS
from fastpc.engine.memory import borrow
from fastpc.engine.relax import relax
from fastpc.engine.sharing import take_unit
from fastpc.engine.tile import area, feed_forward, set_targets
from fastpc.engine.train import prepare, prepares, train_tile
from fastpc.engine.update import unit_gradient


@driver
def forward(thread, model, inputs, order, outputs, batch, scratch, sharing):
    """Write mu_L of the feed-forward pass, ``outputs[k]`` for sample ``order[k]``; no target is looked at."""
    tile, work = scratch.tiles[thread], scratch.work[thread]
    lanes, last = model.lanes, len(model.layers) - 1
    while True:
        t = take_unit(sharing, 0, thread, (len(order) + lanes - 1) // lanes)
        if t < 0:
            break
        first = t * lanes
        count = min(lanes, len(order) - first)
        sum_inputs(model, inputs, order, first, count, thread, batch)
        join_sections(model, count, thread, tile, batch, work)
        feed_forward(model, tile)
        copy_out(model, last, PREDICTION, first, count, tile, outputs)


@kernel
def copy_out(model, l, column, first, count, tile, rows):
    """Write one kind of number of a tile's samples to rows ``first : first + count``."""
    numbers = area(model, l, column, tile)
    for lane in range(count):
        for j in range(model.layers[l, SIZE]):
            rows[first + lane, j] = numbers[j * model.lanes + lane]


@driver
def relax_batch(thread, model, inputs, relaxation, step_size, nudge, order, states, traces, batch, scratch, sharing):
    """Relax a batch as training does; keep the moving states (samples, sum of n_l) and each tile's energy trace."""
    tile, work = scratch.tiles[thread], scratch.work[thread]
    lanes = model.lanes
    while True:
        t = take_unit(sharing, 0, thread, (len(order) + lanes - 1) // lanes)
        if t < 0:
            break
        first = t * lanes
        count = min(lanes, len(order) - first)
        sum_inputs(model, inputs, order, first, count, t, batch)
        train_tile(model, inputs, relaxation, step_size, nudge, batch, order, t, tile, work, traces[t])
        offset = 0
        for l in range(model.lowest, len(model.layers) - 1):
            size = model.layers[l, SIZE]
            copy_out(model, l, STATE, first, count, tile, states[:, offset : offset + size])
            offset += size


@driver
def infer_inputs(thread, model, inputs, relaxation, step_size, order, found, batch, scratch, sharing):
    """Relax with layer 0 free, and write x_0: ``found[k]`` for sample ``order[k]``."""
    tile, gradient = scratch.tiles[thread], scratch.gradients[thread]
    work = scratch.work[thread]
    lanes = model.lanes
    trace = np.empty((0, 1))
    if prepares(model):
        prepare(thread, model, 0, sharing, gradient, work)
    while True:
        t = take_unit(sharing, 1, thread, (len(order) + lanes - 1) // lanes)
        if t < 0:
            break
        first = t * lanes
        count = min(lanes, len(order) - first)
        sum_inputs(model, inputs, order, first, count, thread, batch)
        join_sections(model, count, thread, tile, batch, work)
        feed_forward(model, tile)
        set_targets(model, inputs, order, first, count, tile)
        relax(model, relaxation, step_size, order, first, count, tile, work, trace)
        copy_out(model, 0, STATE, first, count, tile, found)


@driver
def gradient_of_batch(thread, model, units, n_samples, gradient, batch, scratch, sharing):
    """Write dF/d(parameters), a batch mean with the states held, of a batch that `relax_batch` left."""
    own = scratch.gradients[thread]
    scale = -gradient.dtype.type(1) / gradient.dtype.type(n_samples)
    while True:
        u = take_unit(sharing, 0, thread, len(units))
        if u < 0:
            break
        l, first, end = units[u]
        stride = unit_gradient(model, units[u], n_samples, batch, own)
        n_out = model.layers[l, SIZE]
        for i in range(end - first):
            row = borrow(gradient, model.layers[l, WEIGHTS] + (first + i) * n_out, n_out)
            for j in range(n_out):
                row[j] = scale * own[i * stride + j]
