"""The first layer's product, section by section: see inputs for what a section is.

A tile's inputs, their masks and the sections' sums lie in the batch buffers, in the slot of the tile's number.
"""

from __future__ import annotations

from fastpc.engine.inputs import WORD, load_inputs, mask_stride, n_sections, section_start
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
from fastpc.engine.memory import borrow, prefetch_rows
from fastpc.engine.products import accumulate_rows
from fastpc.engine.skips import scale_products
from fastpc.engine.tile import activate_layer, area
from fastpc.engine.transpose import turn_rows
from fastpc.engine.vector import value_at


@inline_kernel
def inputs_of(model, slot):
    """Return where a tile's inputs lie."""
    return model.layers[0, BATCH_ACTIVITY] + slot * model.lanes * model.layers[0, ACTIVITY_STRIDE]


@inline_kernel
def sums_of(model, slot, section, batch):
    """Return where a section's sums for a tile lie, one row a sample, as far apart as its errors."""
    stride = model.layers[1, ERROR_STRIDE]
    return section * (len(batch.sums) // n_sections(model.layers[0, SIZE])) + slot * model.lanes * stride


@kernel
def load_section(model, inputs, order, first, count, slot, section, batch):
    """Bring in one section of samples ``order[first:first + count]``: inputs and masks; ask for where its sums go."""
    stride = model.layers[0, ACTIVITY_STRIDE]
    # Whoever joined the sections of the last batch has read them.
    row = model.layers[1, ERROR_STRIDE]
    prefetch_rows(batch.sums, sums_of(model, slot, section, batch), count * row, True)
    load_inputs(
        inputs, order, first, count, model.layers[0, SIZE], section, batch.inputs, inputs_of(model, slot), stride,
        batch.masks, slot * model.lanes,
    )  # fmt: skip


@kernel
def sum_section(model, count, slot, section, batch):
    """One section's part of a tile's mu_1, over the inputs that are not zero; the last one's begins at the bias."""
    layers, lanes = model.layers, model.lanes
    n_inputs, n_out = layers[0, SIZE], layers[1, SIZE]
    stride, stride_x = layers[1, ERROR_STRIDE], layers[0, ACTIVITY_STRIDE]
    x, out = inputs_of(model, slot), sums_of(model, slot, section, batch)
    first = section_start(n_inputs, section)
    has_bias = section == n_sections(n_inputs) - 1
    if has_bias:
        bias = borrow(model.parameters, layers[1, WEIGHTS] + n_inputs * n_out, n_out)
        for k in range(count):
            sums = borrow(batch.sums, out + k * stride, n_out)
            for j in range(n_out):
                sums[j] = bias[j]
    # Strips of columns outside, and samples inside: a word's rows of weights stay in the nearest cache for all samples.
    for column in range(0, n_out, 4 * lanes):
        width = min(4 * lanes, n_out - column)
        for word in range(first, section_start(n_inputs, section + 1)):
            weights = layers[1, WEIGHTS] + word * WORD * n_out + column
            masks = word * mask_stride(batch.masks, n_inputs) + slot * lanes
            for k in range(count):
                accumulate_rows(
                    batch.sums, out + k * stride + column, word == first and not has_bias, batch.masks[masks + k],
                    batch.inputs, batch.values, x + k * stride_x + word * WORD, 1, model.parameters, weights, n_out,
                    width, lanes,
                )  # fmt: skip


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
    row, x = model.layers[0], inputs_of(model, slot)
    if len(batch.values) > 0:
        for k in range(count):
            for i in range(x + k * row[ACTIVITY_STRIDE], x + k * row[ACTIVITY_STRIDE] + row[SIZE]):
                batch.activities[i] = value_at(batch.inputs, i, batch.values)
    turn_rows(batch.activities, x, row[ACTIVITY_STRIDE], count, row[SIZE], tile, row[STATE], model.lanes, work)


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
