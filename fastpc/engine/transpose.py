"""Between sample-major rows, as batches and weights lie, and feature-major tiles."""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.llvm import BLOCK
from fastpc.engine.memory import borrow
from fastpc.engine.vector import transpose_block


@kernel
def turn_rows(matrix, m, stride, count, width, out, o, lanes, work):
    """out[o + p * lanes + k] = matrix[m + k * stride + p] for k < count; further lanes repeat the last row."""
    for k in range(lanes):
        work[k] = m + min(k, count - 1) * stride
    whole = width // BLOCK * BLOCK
    for p in range(0, whole, BLOCK):
        for k in range(0, lanes, BLOCK):
            transpose_block(matrix, work, k, p, out, o + p * lanes + k, lanes)
    for p in range(whole, width):
        for k in range(lanes):
            out[o + p * lanes + k] = matrix[work[k] + p]


@kernel
def store_rows(tile, start, size, count, lanes, out, o, stride, work):
    """Turn `size` features of a tile sample-major: ``out[o + k * stride + j] = tile[start + j * lanes + k]``."""
    whole = size // BLOCK * BLOCK
    for j in range(0, whole, BLOCK):
        for k in range(BLOCK):
            work[k] = start + (j + k) * lanes
        for lane in range(0, count, BLOCK):
            transpose_block(tile, work, 0, lane, out, o + lane * stride + j, stride)
    for lane in range(count):
        row = borrow(out, o + lane * stride, size)
        column = borrow(tile, start + lane, size * lanes)
        for j in range(whole, size):
            row[j] = column[j * lanes]
