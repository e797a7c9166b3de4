"""Samples that count more than others: a weight scales what its sample adds to energies and gradients.

States settle sample by sample, so a weight changes nothing before samples are summed, and is the same for every rule.
`Model.weights` says where a tile keeps its samples' weights. Where all samples count alike it is None, a type of its
own: a plain run then compiles nothing of what stands here.
"""

from __future__ import annotations

from fastpc.engine.jit import inline_kernel
from fastpc.engine.memory import borrow


@inline_kernel
def keep_weights(place, inputs, order, first, count, tile):
    """Bring the weights of samples ``order[first : first + count]`` to the tile."""
    if place is None:
        return
    for lane in range(count):
        tile[place + lane] = inputs.weights[order[first + lane]]


@inline_kernel
def weighed(place, number, lane, tile):
    """Return a number that belongs to a sample, times its weight."""
    if place is None:
        return number
    return tile[place + lane] * number


@inline_kernel
def weigh_rows(place, rows, start, stride, size, count, tile):
    """Multiply ``rows[start + k * stride : … + size]`` by the weight of sample k."""
    if place is None:
        return
    for lane in range(count):
        row, weight = borrow(rows, start + lane * stride, size), tile[place + lane]
        for j in range(size):
            row[j] *= weight
