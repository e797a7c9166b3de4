"""How samples enter: dense rows or CSR, of uint8 or floats, scaled on the way.

Four fifths of MNIST's pixels are zero. Beside the inputs stand masks that say which are not: bit u % WORD of
``masks[u // WORD * mask_stride + k]`` belongs to unit u of sample k. The first layer's product runs over a sample's
bits, its weights' gradient over a unit's. Tried and left: a dense product over the units that are not zero in all of a
tile; in MNIST that is two thirds of them, three times as many as in a sample.

Floats that need no scale stay where they are. Bytes are copied as they are, and looked up in a table of 256 numbers
where they are used: the copy is a quarter as large as one of float32, and a gradient, which goes down columns of it,
finds 64 of its rows in a cache line.

The units are divided into *sections* of some words. Who takes a section of the product also takes, as a rule, its rows
of the gradient and of the optimiser's step: its inputs, weights and moments then stay in that core's cache, and cores
exchange only sums and errors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.jit import kernel
from fastpc.engine.llvm import BLOCK, WORD
from fastpc.engine.memory import borrow, prefetch
from fastpc.engine.vector import mark_block, mark_word, scale_block, scale_number, scale_word

SECTION = 7  # words at most


class Inputs(NamedTuple):
    """A data set as kernels see it; the form that is not used is an empty array."""

    dense: Any  # (N * n_0,) uint8, float32 or float64, row after row
    row_starts: Any  # CSR: (N + 1,) int64
    columns: Any  # CSR: (non-zeros,) int32
    values: Any  # CSR: (non-zeros,), the dtype of `dense`
    scale: Any  # one number of the network's dtype
    labels: Any  # (N,) int64 classes, or empty
    targets: Any  # (N * n_L,) uint8, float32 or float64, row after row, or empty
    target_scale: Any  # one number of the network's dtype
    weights: Any  # (N,) how much each sample counts, of the network's dtype, or empty
    is_csr: Any  # bool
    has_labels: Any  # bool


@kernel
def n_words(n_inputs):
    """Return how many words hold the mask bits of n_inputs units; the bias counts, though it needs none."""
    return n_inputs // WORD + 1


@kernel
def n_sections(n_inputs):
    """Return how many sections the units and the bias are divided into."""
    return (n_words(n_inputs) + SECTION - 1) // SECTION


@kernel
def section_start(n_inputs, section):
    """Return the first word of a section."""
    return n_words(n_inputs) * section // n_sections(n_inputs)


@kernel
def section_of(n_inputs, word):
    """Return the section of a word."""
    section = 0
    while section_start(n_inputs, section + 1) <= word:
        section += 1
    return section


@kernel
def mask_stride(masks, n_inputs):
    """Return how far apart the words of one sample lie."""
    return len(masks) // n_words(n_inputs)


@kernel
def load_inputs(inputs, order, first, count, n_inputs, section, out, o, stride, masks, row):
    """Write a section of samples ``order[first : first + count]``, scaled, to rows of `out`, and its masks."""
    begin, end = section_start(n_inputs, section), section_start(n_inputs, section + 1)
    load_words(inputs, order, first, count, n_inputs, begin, end, out, o, stride, masks, row)


@kernel
def load_words(inputs, order, first, count, n_inputs, begin, end, out, o, stride, masks, row):
    """Write words `begin` to `end` of samples ``order[first : first + count]``, scaled, to rows of `out`, and masks.

    ``out[o + k * stride + u]`` receives unit u of sample k, and bit ``u % WORD`` of
    ``masks[u // WORD * mask_stride + row + k]`` whether it is not zero. Where `out` has bytes, they are not scaled.
    """
    step = mask_stride(masks, n_inputs)
    for k in range(count):
        if inputs.is_csr:
            _load_csr(inputs, order[first + k], n_inputs, begin, end, out, o + k * stride, masks, row + k, step)
        else:
            _load_dense(inputs, order[first + k], n_inputs, begin, end, out, o + k * stride, masks, row + k, step)


@kernel
def mark_inputs(inputs, order, first, count, n_inputs, section, masks, row):
    """Write a section's masks of dense samples ``order[first : first + count]``; the samples stay where they are."""
    step = mask_stride(masks, n_inputs)
    for k in range(count):
        start = order[first + k] * n_inputs
        for word in range(section_start(n_inputs, section), section_start(n_inputs, section + 1)):
            begin = word * WORD
            end = min(begin + WORD, n_inputs)
            if end - begin == WORD:
                masks[row + k + word * step] = mark_word(inputs.dense, start + begin)
                continue
            whole = begin + (end - begin) // BLOCK * BLOCK
            mask = np.uint64(0)
            for unit in range(begin, whole, BLOCK):
                mask |= mark_block(inputs.dense, start + unit) << np.uint64(unit - begin)
            for unit in range(whole, end):
                mask |= np.uint64(inputs.dense[start + unit] != 0) << np.uint64(unit - begin)
            masks[row + k + word * step] = mask


@kernel
def _load_csr(inputs, sample, n_inputs, begin, end, out, o, masks, m, step):
    first, last = begin * WORD, min(end * WORD, n_inputs)
    numbers = borrow(out, o, n_inputs)
    for unit in range(first, last):
        numbers[unit] = 0
    for word in range(begin, end):
        masks[m + word * step] = 0
    for k in range(inputs.row_starts[sample], inputs.row_starts[sample + 1]):
        unit = inputs.columns[k]
        if first <= unit < last:
            numbers[unit] = scale_number(inputs.values[k], out, inputs.scale)
            masks[m + unit // WORD * step] |= np.uint64(1) << np.uint64(unit % WORD)


@kernel
def _load_dense(inputs, sample, n_inputs, begin, end, out, o, masks, m, step):
    start = sample * n_inputs
    for word in range(begin, end):
        first = word * WORD
        last = min(first + WORD, n_inputs)
        if last - first == WORD:
            masks[m + word * step] = scale_word(inputs.dense, start + first, out, o + first, inputs.scale)
            continue
        whole = first + (last - first) // BLOCK * BLOCK
        mask = np.uint64(0)
        for unit in range(first, whole, BLOCK):
            mask |= scale_block(inputs.dense, start + unit, out, o + unit, inputs.scale) << np.uint64(unit - first)
        for unit in range(whole, last):
            number = inputs.dense[start + unit]
            out[o + unit] = scale_number(number, out, inputs.scale)
            mask |= np.uint64(number != 0) << np.uint64(unit - first)
        masks[m + word * step] = mask


@kernel
def prefetch_inputs(inputs, order, first, count, n_inputs, section):
    """Ask for a section of samples ahead of time: shuffled rows come from main memory, unforeseen by any processor."""
    if not inputs.is_csr:
        per_line = 64 // inputs.dense.itemsize
        begin, end = section_start(n_inputs, section), section_start(n_inputs, section + 1)
        for lane in range(count):
            row = order[first + lane] * n_inputs
            last = min(end * WORD, n_inputs)
            for unit in range(begin * WORD, last, per_line):
                prefetch(inputs.dense, row + unit)
            # Rows seldom start where a line does.
            prefetch(inputs.dense, row + last - 1)


@kernel
def prefetch_tile(inputs, order, first, lanes, n_inputs):
    """Ask for a whole tile of samples, as far as there are any from `first` on."""
    for section in range(n_sections(n_inputs)):
        prefetch_inputs(inputs, order, first, min(lanes, len(order) - first), n_inputs, section)


@kernel
def load_target(inputs, sample, n_outputs, tile, target, lanes, lane):
    """Write a sample's target to its lane of the tile: one-hot from a label, or scaled numbers."""
    if inputs.has_labels:
        for j in range(n_outputs):
            tile[target + j * lanes + lane] = 0
        tile[target + inputs.labels[sample] * lanes + lane] = 1
    else:
        for j in range(n_outputs):
            number = inputs.targets[sample * n_outputs + j]
            tile[target + j * lanes + lane] = inputs.target_scale * tile.dtype.type(number)
