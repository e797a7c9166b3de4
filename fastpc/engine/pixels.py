"""The image's side of the notebook's rule, a section of pixels at a time.

Pixels are divided into *sections* of whole words (see inputs), always into the same ones. Columns of W_2, their errors
e_2 and their gradient belong to one section, and so stay in the cache of the core that takes it, step after step. What
crosses between cores is x_1 and the sections' *parts* of the pull e_2 W_2^T, which whoever moves a tile adds up in the
sections' order.

During a call each section's weights and errors lie apart from the others'. In rows that go through all sections, a
core that reads its own piece also fetches, by its hardware's foresight, some of the next one, which another core has
to take back before it writes. With that a step of batches of 64 took 250 microseconds on two threads, and takes 152.

Tried and left: units that are tiles of samples from end to end. Two threads were no faster than one then, since in
every step each core read half of W_2, which the other had just written, and half of the errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.inputs import load_words
from fastpc.engine.jit import inline_kernel, kernel
from fastpc.engine.layout import (
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    ERROR,
    SIZE,
    STATE,
    WEIGHTS,
    Layout,
    aligned_zeros,
)
from fastpc.engine.llvm import WORD
from fastpc.engine.memory import borrow
from fastpc.engine.products import block_start, multiply, n_blocks
from fastpc.engine.transpose import store_rows, turn_rows
from fastpc.engine.update import all_finite

# More would divide among more threads, but each section's part is as large as x_1.
_MOST_SECTIONS = 4
# Columns of the sections' table: first pixel, end pixel, distance of rows, and sum of the distances of those before.
START, END, STRIDE, BEFORE = range(4)


class Sections(NamedTuple):
    """How an image is divided, and what belongs to its sections."""

    table: Any  # (sections, 4) int64
    weights: Any  # (n_1, STRIDE) for each section, one after the other
    errors: Any  # (samples, STRIDE) for each section
    n_rows: Any  # samples that `errors` has room for
    parts: Any  # (sections, tiles, n_1 + 1, lanes) flat: parts of the pull on x_1, and of each sample's e_2^2


def make_sections(layout: Layout, n_tiles: int) -> Sections:
    """Divide the last layer's units, and allocate for batches of at most so many tiles."""
    _, n_hidden, n_pixels = layout.sizes
    lanes, n_rows = layout.lanes, n_tiles * layout.lanes
    table = section_table(n_pixels, lanes, layout.dtype.itemsize)
    width = int(table[-1, BEFORE] + table[-1, STRIDE])
    return Sections(
        table=table,
        weights=aligned_zeros(n_hidden * width + layout.slack, layout.dtype),
        errors=aligned_zeros(n_rows * width + layout.slack, layout.dtype),
        n_rows=n_rows,
        parts=aligned_zeros(len(table) * n_rows * (n_hidden + 1), layout.dtype),
    )


def section_table(n_pixels: int, lanes: int, itemsize: int) -> NDArray[np.int64]:
    """Return the sections' table: near-even sections, whoever is to compute them."""
    n_words = -(-n_pixels // WORD)
    n_sections = min(_MOST_SECTIONS, n_words)
    table = np.zeros((n_sections, 4), np.int64)
    before = 0
    for section, row in enumerate(table):
        start, end = (n_words * (section + k) // n_sections * WORD for k in (0, 1))
        end = min(end, n_pixels)
        # As in the batch buffers: a bias is written behind an image, and rows do not crowd into few cache sets.
        stride = -(-(end - start + 1) // lanes) * lanes
        if stride * itemsize % 512 == 0:
            stride += lanes
        row[:] = start, end, stride, before
        before += stride
    return table


@inline_kernel
def weights_of(model, sections, section):
    """Return where a section's weights begin."""
    return sections.table[section, BEFORE] * model.layers[1, SIZE]


@inline_kernel
def errors_of(sections, section):
    """Return where a section's errors begin."""
    return sections.table[section, BEFORE] * sections.n_rows


@kernel
def copy_weights(model, sections, section, back):
    """Copy a section's weights from the network, or back to it."""
    row, n_pixels = sections.table[section], model.layers[2, SIZE]
    width, own = row[END] - row[START], weights_of(model, sections, section)
    for i in range(model.layers[1, SIZE]):
        network = borrow(model.parameters, model.layers[2, WEIGHTS] + i * n_pixels + row[START], width)
        weights = borrow(sections.weights, own + i * row[STRIDE], width)
        for j in range(width):
            if back:
                network[j] = weights[j]
            else:
                weights[j] = network[j]


@inline_kernel
def part_of(model, sections, section, t):
    """Return where a section's part of the t-th tile's pull lies."""
    lanes = model.lanes
    return (section * (sections.n_rows // lanes) + t) * (model.layers[1, SIZE] + 1) * lanes


@kernel
def start_section(model, inputs, order, first, count, sections, section, tile, batch, work):
    """Clamp a section of a tile's images. While x_1 is zero these are also their errors."""
    row, lanes = model.layers[2], model.lanes
    start, end, stride = sections.table[section, START], sections.table[section, END], sections.table[section, STRIDE]
    place = errors_of(sections, section) + first * stride
    load_words(
        inputs, order, first, count, row[SIZE], start // WORD, (end + WORD - 1) // WORD, sections.errors,
        place - start, stride, batch.masks, first,
    )  # fmt: skip
    state, size = row[STATE] + start * lanes, end - start
    turn_rows(sections.errors, place, stride, count, size, tile, state, lanes, work)
    states, errors = borrow(tile, state, size * lanes), borrow(tile, row[ERROR] + start * lanes, size * lanes)
    for i in range(len(errors)):
        errors[i] = states[i]


@kernel
def predict_section(model, first, count, sections, section, tile, work):
    """e_2 = x_2 - x_1 W_2 of a section of a tile, also sample-major for the weights."""
    layers, row, lanes = model.layers, model.layers[2], model.lanes
    start, stride = sections.table[section, START], sections.table[section, STRIDE]
    width, own, n_hidden = sections.table[section, END] - start, weights_of(model, sections, section), layers[1, SIZE]
    for block in range(n_blocks(width)):
        j = block_start(width, block)
        rows = block_start(width, block + 1) - j
        place = (start + j) * lanes
        out = row[ERROR] + place
        multiply(
            rows, tile, out, lanes, sections.weights, own + j, stride, 1, tile, layers[1, STATE], lanes, n_hidden
        )  # fmt: skip
        errors, states = borrow(tile, out, rows * lanes), borrow(tile, row[STATE] + place, rows * lanes)
        for i in range(rows * lanes):
            errors[i] = states[i] - errors[i]
    place = errors_of(sections, section) + first * stride
    store_rows(tile, row[ERROR] + start * lanes, width, count, lanes, sections.errors, place, stride, work)


@kernel
def pull_section(model, t, sections, section, tile):
    """A section's part of e_2 W_2^T for the t-th tile."""
    lanes, n_hidden = model.lanes, model.layers[1, SIZE]
    start, stride = sections.table[section, START], sections.table[section, STRIDE]
    width, own = sections.table[section, END] - start, weights_of(model, sections, section)
    errors, part = model.layers[2, ERROR] + start * lanes, part_of(model, sections, section, t)
    for block in range(n_blocks(n_hidden)):
        i = block_start(n_hidden, block)
        rows = block_start(n_hidden, block + 1) - i
        multiply(
            rows, sections.parts, part + i * lanes, lanes, sections.weights, own + i * stride, 1, stride, tile, errors,
            lanes, width,
        )  # fmt: skip


@kernel
def square_section(model, t, sections, section, tile):
    """A section's part of the sum of e_2^2, for each sample of the t-th tile."""
    lanes = model.lanes
    start, end = sections.table[section, START], sections.table[section, END]
    errors = borrow(tile, model.layers[2, ERROR] + start * lanes, (end - start) * lanes)
    place = part_of(model, sections, section, t) + model.layers[1, SIZE] * lanes
    sums = borrow(sections.parts, place, lanes)
    for lane in range(lanes):
        sums[lane] = 0
    for j in range(end - start):
        row = borrow(errors, j * lanes, lanes)
        for lane in range(lanes):
            sums[lane] += row[lane] * row[lane]


@kernel
def step_section(model, rate, sections, section, first, end, n_samples, batch, gradient):
    """Add rate x_1^T e_2 to rows `first` to `end` of a section's weights; return whether they stay finite."""
    layers, lanes = model.layers, model.lanes
    stride, stride_a = sections.table[section, STRIDE], layers[1, ACTIVITY_STRIDE]
    width = sections.table[section, END] - sections.table[section, START]
    activities, errors = layers[1, BATCH_ACTIVITY] + first, errors_of(sections, section)
    start = weights_of(model, sections, section) + first * stride
    # A register block at a time: its gradient is still in the nearest cache when it is added.
    for block in range(n_blocks(end - first)):
        i = block_start(end - first, block)
        rows = block_start(end - first, block + 1) - i
        for column in range(0, width, lanes):
            multiply(
                rows, gradient, column, stride, batch.activities, activities + i, stride_a, 1, sections.errors,
                errors + column, stride, n_samples,
            )  # fmt: skip
        for m in range(rows):
            weights = borrow(sections.weights, start + (i + m) * stride, width)
            change = borrow(gradient, m * stride, width)
            for j in range(width):
                weights[j] += rate * change[j]
    # Behind each row's weights stand zeros.
    return all_finite(sections.weights, start, (end - first) * stride)


@kernel
def join_pulls(model, sections, t, i, rows, pull):
    """Add up the sections' parts of the pull on `rows` units of the t-th tile's x_1, from i on, to `pull`."""
    lanes = model.lanes
    for section in range(len(sections.table)):
        part = borrow(sections.parts, part_of(model, sections, section, t) + i * lanes, rows * lanes)
        for k in range(rows * lanes):
            pull[k] = part[k] if section == 0 else pull[k] + part[k]


@kernel
def join_energies(model, sections, t, count, tile):
    """Return the energy of e_2, summed over the t-th tile's samples."""
    sums = borrow(tile, 0, model.lanes)
    join_pulls(model, sections, t, model.layers[1, SIZE], 1, sums)
    total = 0.0
    for lane in range(count):
        total += sums[lane]
    return 0.5 * total
