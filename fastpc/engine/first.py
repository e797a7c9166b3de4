"""The first layer's product, section by section: see inputs for what a section is.

A tile's inputs, their masks and the sections' sums lie in the batch buffers, in the slot of the tile's number.
"""

from __future__ import annotations

from fastpc.engine.inputs import load_inputs, mark_inputs, mask_stride, n_sections, section_start
from fastpc.engine.jit import inline_kernel, kernel
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
from fastpc.engine.llvm import WORD
from fastpc.engine.memory import borrow, prefetch_rows
from fastpc.engine.products import accumulate_rows, strip_width
from fastpc.engine.skips import scale_products
from fastpc.engine.tile import activate_layer, area
from fastpc.engine.transpose import turn_rows
from fastpc.engine.vector import value_at


@inline_kernel
def rows_of(model, slot, section, batch):
    """Return where the places of a tile's inputs are noted: for each section, so that no two cores write one line."""
    return section * (len(batch.rows) // n_sections(model.layers[0, SIZE])) + slot * model.lanes


@inline_kernel
def sums_of(model, slot, section, batch):
    """Return where a section's sums for a tile lie, one row a sample, as far apart as its errors."""
    stride = model.layers[1, ERROR_STRIDE]
    return section * (len(batch.sums) // n_sections(model.layers[0, SIZE])) + slot * model.lanes * stride


@kernel
def load_section(model, inputs, order, first, count, slot, section, batch):
    """Bring in one section of samples ``order[first:first + count]``, and their masks; ask for where its sums go."""
    n_inputs, stride = model.layers[0, SIZE], model.layers[0, ACTIVITY_STRIDE]
    # Whoever joined the sections of the last batch has read them.
    row = model.layers[1, ERROR_STRIDE]
    prefetch_rows(batch.sums, sums_of(model, slot, section, batch), count * row, True)
    rows, sample = rows_of(model, slot, section, batch), slot * model.lanes
    if batch.in_place:
        for k in range(count):
            batch.rows[rows + k] = order[first + k] * n_inputs
        mark_inputs(inputs, order, first, count, n_inputs, section, batch.masks, sample)
    else:
        place = model.layers[0, BATCH_ACTIVITY] + sample * stride
        for k in range(count):
            batch.rows[rows + k] = place + k * stride
        load_inputs(inputs, order, first, count, n_inputs, section, batch.room, place, stride, batch.masks, sample)


@kernel
def sum_section(model, count, slot, section, batch):
    """One section's part of a tile's mu_1, over the inputs that are not zero; the last one's begins at the bias."""
    layers, lanes = model.layers, model.lanes
    n_inputs, n_out = layers[0, SIZE], layers[1, SIZE]
    stride, out = layers[1, ERROR_STRIDE], sums_of(model, slot, section, batch)
    rows = rows_of(model, slot, section, batch)
    first = section_start(n_inputs, section)
    has_bias = section == n_sections(n_inputs) - 1
    if has_bias:
        bias = borrow(model.parameters, layers[1, WEIGHTS] + n_inputs * n_out, n_out)
        for k in range(count):
            sums = borrow(batch.sums, out + k * stride, n_out)
            for j in range(n_out):
                sums[j] = bias[j]
    # Strips of columns outside, and samples inside: a word's rows of weights stay in the nearest cache for all samples.
    column = 0
    while column < n_out:
        width = strip_width(n_out - column, lanes)
        for word in range(first, section_start(n_inputs, section + 1)):
            weights = layers[1, WEIGHTS] + word * WORD * n_out + column
            masks = word * mask_stride(batch.masks, n_inputs) + slot * lanes
            for k in range(count):
                accumulate_rows(
                    batch.sums, out + k * stride + column, word == first and not has_bias, batch.masks[masks + k],
                    batch.inputs, batch.values, batch.rows[rows + k] + word * WORD, 0, model.parameters, weights, n_out,
                    width, lanes,
                )  # fmt: skip
        column += width


@kernel
def join_sections(model, count, slot, tile, batch, work):
    """mu_1: the sections' sums added up in their order, and turned feature-major."""
    layers, lanes = model.layers, model.lanes
    n_out, stride = layers[1, SIZE], layers[1, ERROR_STRIDE]
    # The tile's errors, which whoever stepped the weights has read, are written again when it has settled.
    prefetch_rows(batch.errors, layers[1, BATCH_ERROR] + slot * lanes * stride, count * stride, True)
    # The totals lie where no errors are yet.
    place = layers[1, ERROR]
    for k in range(count):
        totals = borrow(tile, place + k * n_out, n_out)
        for section in range(n_sections(layers[0, SIZE])):
            sums = borrow(batch.sums, sums_of(model, slot, section, batch) + k * stride, n_out)
            for j in range(n_out):
                totals[j] = sums[j] if section == 0 else totals[j] + sums[j]
    turn_rows(tile, place, n_out, count, n_out, tile, layers[1, PREDICTION], lanes, work)
    scale_products(model, 1, layers[1, PREDICTION], n_out * lanes, tile)
    if model.lowest == 0:
        free_inputs(model, count, slot, tile, batch, work)


@kernel
def clamp_inputs(model, count, slot, tile, batch, work):
    """Bring a tile's inputs to layer 0's states."""
    row, stride = model.layers[0], model.layers[0, ACTIVITY_STRIDE]
    rows, place = rows_of(model, slot, 0, batch), row[BATCH_ACTIVITY] + slot * model.lanes * stride
    for k in range(count):
        activities = borrow(batch.activities, place + k * stride, row[SIZE])
        for i in range(row[SIZE]):
            activities[i] = value_at(batch.inputs, batch.rows[rows + k] + i, batch.values)
    turn_rows(batch.activities, place, stride, count, row[SIZE], tile, row[STATE], model.lanes, work)


@kernel
def free_inputs(model, count, slot, tile, batch, work):
    """Layer 0's states where it is free: they begin at the inputs, and their prior predicts 0."""
    clamp_inputs(model, count, slot, tile, batch, work)
    predictions = area(model, 0, PREDICTION, tile)
    for i in range(len(predictions)):
        predictions[i] = 0
    activate_layer(model, 0, tile)


@kernel
def sum_inputs(model, inputs, order, first, count, slot, batch):
    """Bring in samples ``order[first:first + count]``, and sum all their sections."""
    for section in range(n_sections(model.layers[0, SIZE])):
        load_section(model, inputs, order, first, count, slot, section, batch)
        sum_section(model, count, slot, section, batch)


@kernel
def predict_first(model, count, slot, tile, batch, work):
    """mu_1 of the samples whose inputs lie in this slot of the batch."""
    for section in range(n_sections(model.layers[0, SIZE])):
        sum_section(model, count, slot, section, batch)
    join_sections(model, count, slot, tile, batch, work)
