"""The image's side of the notebook's rule, a section of pixels at a time.

Pixels are divided into *sections* of whole words (see inputs), always into the same ones. Columns of W_2, their errors
e_2 and their gradient belong to one section, and so stay in the cache of the core that takes it, step after step. What
crosses between cores is x_1 and the sections' *parts* of the pull e_2 W_2^T, which whoever moves a tile adds up in the
sections' order.

Tried and left: units that are tiles of samples from end to end. Two threads were no faster than one then, since in
every step each core read half of W_2, which the other had just written, and half of the errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.inputs import WORD, load_words
from fastpc.engine.jit import inline_kernel, kernel
from fastpc.engine.layout import BATCH_ERROR, ERROR, ERROR_STRIDE, SIZE, STATE, WEIGHTS, Layout, aligned_zeros
from fastpc.engine.memory import borrow
from fastpc.engine.products import block_start, multiply, n_blocks
from fastpc.engine.transpose import store_rows, turn_rows

# More would divide among more threads, but each section's part is as large as x_1.
_MOST_SECTIONS = 4


class Sections(NamedTuple):
    """How an image is divided, and what its sections leave behind."""

    starts: Any  # (sections + 1,) int64, first pixels
    parts: Any  # (sections, tiles, n_1 + 1, lanes) flat: parts of the pull on x_1, and of each sample's e_2^2


def make_sections(layout: Layout, n_tiles: int) -> Sections:
    """Divide the last layer's units, and allocate for batches of at most so many tiles."""
    starts = section_starts(layout.sizes[-1])
    return Sections(
        starts, aligned_zeros((len(starts) - 1) * n_tiles * (layout.sizes[1] + 1) * layout.lanes, layout.dtype)
    )


def section_starts(n_pixels: int) -> NDArray[np.int64]:
    """Return the sections' first pixels, and `n_pixels`: near-even sections, whoever is to compute them."""
    n_words = -(-n_pixels // WORD)
    n_sections = min(_MOST_SECTIONS, n_words)
    starts = [n_words * section // n_sections * WORD for section in range(n_sections)]
    return np.array([*starts, n_pixels], np.int64)


@inline_kernel
def part_of(model, sections, section, t):
    """Return where a section's part of the t-th tile's pull lies."""
    size = (model.layers[1, SIZE] + 1) * model.lanes
    n_tiles = len(sections.parts) // ((len(sections.starts) - 1) * size)
    return (section * n_tiles + t) * size


@kernel
def start_section(model, inputs, order, first, count, start, end, tile, batch, work):
    """Clamp a section of a tile's images. While x_1 is zero these are also their errors."""
    row, lanes = model.layers[2], model.lanes
    place = row[BATCH_ERROR] + first * row[ERROR_STRIDE]
    load_words(
        inputs, order, first, count, row[SIZE], start // WORD, (end + WORD - 1) // WORD, batch.errors, place,
        row[ERROR_STRIDE], batch.masks, first,
    )  # fmt: skip
    state, size = row[STATE] + start * lanes, end - start
    turn_rows(batch.errors, place + start, row[ERROR_STRIDE], count, size, tile, state, lanes, work)
    states, errors = borrow(tile, state, size * lanes), borrow(tile, row[ERROR] + start * lanes, size * lanes)
    for i in range(len(errors)):
        errors[i] = states[i]


@kernel
def predict_section(model, first, count, start, end, tile, batch, work):
    """e_2 = x_2 - x_1 W_2 of a section of a tile, also to the batch buffer."""
    layers, row, lanes = model.layers, model.layers[2], model.lanes
    n_hidden, n_pixels = layers[1, SIZE], row[SIZE]
    for block in range(n_blocks(end - start)):
        j = start + block_start(end - start, block)
        rows = start + block_start(end - start, block + 1) - j
        out = row[ERROR] + j * lanes
        weights = row[WEIGHTS] + j
        multiply(
            rows, tile, out, lanes, model.parameters, weights, n_pixels, 1, tile, layers[1, STATE], lanes, n_hidden
        )  # fmt: skip
        errors, states = borrow(tile, out, rows * lanes), borrow(tile, row[STATE] + j * lanes, rows * lanes)
        for i in range(rows * lanes):
            errors[i] = states[i] - errors[i]
    stride = row[ERROR_STRIDE]
    place = row[BATCH_ERROR] + first * stride + start
    store_rows(tile, row[ERROR] + start * lanes, end - start, count, lanes, batch.errors, place, stride, work)


@kernel
def pull_section(model, start, end, tile, parts, part):
    """A section's part of e_2 W_2^T for a tile."""
    layers, row, lanes = model.layers, model.layers[2], model.lanes
    n_hidden, n_pixels = layers[1, SIZE], row[SIZE]
    errors = row[ERROR] + start * lanes
    for block in range(n_blocks(n_hidden)):
        i = block_start(n_hidden, block)
        rows = block_start(n_hidden, block + 1) - i
        weights = row[WEIGHTS] + i * n_pixels + start
        multiply(
            rows, parts, part + i * lanes, lanes, model.parameters, weights, 1, n_pixels, tile, errors, lanes,
            end - start,
        )  # fmt: skip


@kernel
def square_section(model, start, end, tile, parts, part):
    """A section's part of the sum of e_2^2, for each sample of a tile."""
    lanes = model.lanes
    errors = borrow(tile, model.layers[2, ERROR] + start * lanes, (end - start) * lanes)
    sums = borrow(parts, part + model.layers[1, SIZE] * lanes, lanes)
    for lane in range(lanes):
        sums[lane] = 0
    for j in range(end - start):
        row = borrow(errors, j * lanes, lanes)
        for lane in range(lanes):
            sums[lane] += row[lane] * row[lane]


@kernel
def join_pulls(model, sections, t, i, rows, pull):
    """Add up the sections' parts of the pull on `rows` units of the t-th tile's x_1, from i on, to `pull`."""
    lanes = model.lanes
    for section in range(len(sections.starts) - 1):
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
