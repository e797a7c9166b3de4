"""Wide layers' weights, kept a second time in the order in which predictions read them.

A product that runs along x_{l-1} reads W_l down a few columns, 12 at a time: a row's stride apart, so that in a wide
layer every read is a page of its own, and all lines of a column compete for the same places of a cache. A matrix of
1024 by 1024 so came to 72 GFLOP/s where one of 256 by 256 came to 164. Packed, the block of output units from j on lies
at

    packed[WEIGHTS + j (n_{l-1} + 1) :],  input after input,

one stretch to read from end to end, 170 GFLOP/s; it is found anew for each batch. Tried and left: asking for lines
ahead of time (95 GFLOP/s), and going along the inputs in shorter stretches (93).
"""

from __future__ import annotations

from itertools import pairwise

from fastpc.engine.jit import kernel
from fastpc.engine.layout import SIZE, WEIGHTS
from fastpc.engine.memory import borrow
from fastpc.engine.products import band_start, block_start, multiply, multiply_band, n_bands, n_blocks

_LEAST_WEIGHTS = 1 << 14


def packing_pays(sizes: tuple[int, ...]) -> bool:
    """Return whether a layer above the first is large enough; a clamped input's product is another."""
    return any(n_in * n_out >= _LEAST_WEIGHTS for n_in, n_out in pairwise(sizes[1:]))


@kernel
def lowest_packed(model):
    """Return the lowest layer that predictions reach with packed weights: above a clamped input, or a free one."""
    return 1 + model.lowest


@kernel
def uses_packed(model):
    """Return whether predictions read packed weights."""
    return len(model.packed) > 0


@kernel
def n_packed_units(model):
    """Return the units of work that packing takes: one a band of a layer's output units."""
    n_units = 0
    if uses_packed(model):
        for l in range(lowest_packed(model), len(model.layers)):
            n_units += n_bands(model.layers[l, SIZE])
    return n_units


@kernel
def pack_unit(model, unit):
    """Pack one band of some layer."""
    l = lowest_packed(model)
    while unit >= n_bands(model.layers[l, SIZE]):
        unit -= n_bands(model.layers[l, SIZE])
        l += 1
    n_in, n_out = model.layers[l - 1, SIZE] + 1, model.layers[l, SIZE]
    start = model.layers[l, WEIGHTS]
    first = band_start(n_out, unit)
    rows = band_start(n_out, unit + 1) - first
    for k in range(n_in):
        for block in range(n_blocks(rows)):
            j = first + block_start(rows, block)
            height = first + block_start(rows, block + 1) - j
            weights = borrow(model.parameters, start + k * n_out + j, height)
            packed = borrow(model.packed, start + j * n_in + k * height, height)
            for m in range(height):
                packed[m] = weights[m]


@kernel
def multiply_weights(model, l, band, tile, out, vectors, count):
    """Write vectors W_l of a band's units to ``tile[out:]``, for the first `count` rows of W_l (b_l is the last)."""
    lanes = model.lanes
    n_in, n_out = model.layers[l - 1, SIZE] + 1, model.layers[l, SIZE]
    first = band_start(n_out, band)
    rows = band_start(n_out, band + 1) - first
    weights = model.layers[l, WEIGHTS]
    if not uses_packed(model):
        multiply_band(rows, tile, out, lanes, model.parameters, weights + first, n_out, 1, tile, vectors, lanes, count)
        return
    for block in range(n_blocks(rows)):
        m = block_start(rows, block)
        height = block_start(rows, block + 1) - m
        place = weights + (first + m) * n_in
        multiply(height, tile, out + m * lanes, lanes, model.packed, place, height, 1, tile, vectors, lanes, count)
