"""How samples enter: dense rows or CSR, of uint8 or floats, turned feature-major and scaled on the way.

Four fifths of MNIST's pixels are zero. Beside a tile's inputs stand one mask a unit, saying in which samples it is
not zero, and the list of units that are not zero in all of them: the first layer's product runs over the listed
units, its weights' gradient over the masks' bits. An input that is always on costs what a dense product would.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.jit import kernel
from fastpc.engine.llvm import BLOCK
from fastpc.engine.memory import borrow, prefetch
from fastpc.engine.vector import transpose_block


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
    is_csr: Any  # bool
    has_labels: Any  # bool


@kernel
def load_inputs(inputs, order, first, count, n_inputs, out, o, lanes, masks, m, listed, work):
    """Turn samples ``order[first : first + count]`` into a tile of inputs; return how many units are listed.

    ``out[o + u * lanes + k]`` receives unit u of sample k, scaled; ``masks[m + u]`` the samples in which it is not
    zero; `listed` the units that have any. Unit n_inputs is the bias: 1 in every sample.
    """
    everyone = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - count)
    if inputs.is_csr:
        _load_csr(inputs, order, first, count, n_inputs, out, o, lanes, masks, m)
    else:
        _load_dense(inputs, order, first, count, n_inputs, out, o, lanes, masks, m, work)
    ones = borrow(out, o + n_inputs * lanes, lanes)
    for lane in range(lanes):
        ones[lane] = 1
    masks[m + n_inputs] = everyone
    n_listed = 0
    for unit in range(n_inputs + 1):
        mask = masks[m + unit] & everyone
        masks[m + unit] = mask
        listed[n_listed] = unit
        n_listed += 1 if mask != 0 else 0
    return n_listed


@kernel
def _load_csr(inputs, order, first, count, n_inputs, out, o, lanes, masks, m):
    numbers = borrow(out, o, n_inputs * lanes)
    for i in range(len(numbers)):
        numbers[i] = 0
    for unit in range(n_inputs):
        masks[m + unit] = 0
    for lane in range(count):
        sample = order[first + lane]
        for k in range(inputs.row_starts[sample], inputs.row_starts[sample + 1]):
            unit = inputs.columns[k]
            numbers[unit * lanes + lane] = inputs.scale * out.dtype.type(inputs.values[k])
            masks[m + unit] |= np.uint64(1) << np.uint64(lane)


@kernel
def _load_dense(inputs, order, first, count, n_inputs, out, o, lanes, masks, m, rows):
    # Lanes without a sample repeat the first one.
    for lane in range(lanes):
        rows[lane] = order[first + lane if lane < count else first] * n_inputs
    whole = n_inputs // BLOCK * BLOCK
    found = borrow(rows, lanes, BLOCK)
    for unit in range(0, whole, BLOCK):
        for u in range(BLOCK):
            masks[m + unit + u] = 0
        for lane in range(0, lanes, BLOCK):
            at = o + unit * lanes + lane
            transpose_block(inputs.dense, rows, lane, unit, out, at, lanes, inputs.scale, found, 0)
            for u in range(BLOCK):
                masks[m + unit + u] |= np.uint64(found[u]) << np.uint64(lane)
    for unit in range(whole, n_inputs):
        mask = np.uint64(0)
        for lane in range(lanes):
            number = inputs.dense[rows[lane] + unit]
            out[o + unit * lanes + lane] = inputs.scale * out.dtype.type(number)
            mask |= np.uint64(number != 0) << np.uint64(lane)
        masks[m + unit] = mask


@kernel
def prefetch_inputs(inputs, order, first, count, n_inputs):
    """Ask for samples' rows ahead of time: shuffled rows come from main memory, and no processor foresees them."""
    if not inputs.is_csr:
        per_line = 64 // inputs.dense.itemsize
        for lane in range(count):
            row = order[first + lane] * n_inputs
            for unit in range(0, n_inputs, per_line):
                prefetch(inputs.dense, row + unit)


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
