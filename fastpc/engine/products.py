"""Matrix products over a tile: blocks of rows that stay in registers, and rows picked by bits."""

from __future__ import annotations

from fastpc.engine.jit import inline_kernel, kernel
from fastpc.engine.llvm import MOST, ROWS
from fastpc.engine.vector import accumulate_most, accumulate_narrow, accumulate_wide, product_block

BAND = 4 * ROWS


@kernel
def n_blocks(n_rows):
    """Return how many register blocks cover `n_rows` rows."""
    return (n_rows + ROWS - 1) // ROWS


@kernel
def block_start(n_rows, block):
    """Return the first row of a block: near-even blocks, so that no short one leaves the pipelines waiting."""
    return n_rows * block // n_blocks(n_rows)


@kernel
def n_bands(n_rows):
    """Return how many bands cover `n_rows` rows: a few blocks each, so that short loops over them are not too short."""
    return (n_rows + BAND - 1) // BAND


@kernel
def band_start(n_rows, band):
    """Return the first row of a band."""
    return n_rows * band // n_bands(n_rows)


@kernel
def multiply_band(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count):
    """out[m, :] = sum over k of scalars[m, k] vectors[k, :] for any number of rows, a block at a time."""
    for block in range(n_blocks(rows)):
        m = block_start(rows, block)
        height = block_start(rows, block + 1) - m
        multiply(
            height, out, o + m * out_stride, out_stride, scalars, s + m * step_m, step_k, step_m, vectors, v, step_v,
            count,
        )  # fmt: skip


@kernel
def multiply(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count):
    """out[m, :] = sum over k of scalars[m, k] vectors[k, :] for one block of rows; see `vector.product_block`."""
    product_block(rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count)


@inline_kernel
def _is_most(width, lanes):
    """Return whether so many columns are what `accumulate_most` is for."""
    vector = lanes // 2
    return (MOST - 1) * vector < width <= MOST * vector


@inline_kernel
def strip_width(left, lanes):
    """Return how many of the columns that are left `accumulate_rows` takes at a time."""
    return left if _is_most(left, lanes) else min(4 * lanes, left)


@inline_kernel
def accumulate_rows(out, o, anew, mask, scalars, values, s, places, matrix, m, stride, width, lanes):
    """out[:width] += sum over the set bits k of mask of scalars[k] matrix[k, :width], for one strip of columns.

    Where `anew`, out is written, whatever was there, and to whole lane groups at most. With `places`, an array, scalar
    k stands at ``places[k]``. Scalars that are bytes stand for ``values[scalar]``.
    """
    if _is_most(width, lanes):
        accumulate_most(out, o, anew, mask, scalars, values, s, places, matrix, m, stride)
    elif width > 3 * lanes:
        accumulate_wide(out, o, anew, mask, scalars, values, s, places, matrix, m, stride)
    else:
        for column in range(0, width, lanes):
            accumulate_narrow(out, o + column, anew, mask, scalars, values, s, places, matrix, m + column, stride)
