"""A wide clamped output, relaxed through its Gram matrix.

Where a squared-error output is much wider than the layer below it (an image above 128 hidden units), its error enters
the relaxation only as its pull on that layer, e_L W_L^T, and a change of the activities below changes that by

    e_L W_L^T  ←  e_L W_L^T - (f(x_{L-1})' - f(x_{L-1})) (W_L W_L^T)

(times a_L, where the layer has a scale), so each step needs no product with the image's width, but one with a matrix
of n_{L-1} by n_{L-1}. It is exact, up to rounding. The Gram matrix W_L W_L^T is found anew for each batch, a strip of
columns at a time.
"""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.layout import CHANGE, ERROR, PULL, SIZE, WEIGHTS
from fastpc.engine.memory import borrow
from fastpc.engine.products import band_start, multiply_band, n_bands
from fastpc.engine.transpose import turn_rows


def gram_pays(sizes: tuple[int, ...], steps: int, batch_size: int, loss: int) -> bool:
    """Return whether the Gram form takes under 0.7 of the plain steps' multiplications at the output layer."""
    if len(sizes) < 3 or loss != 0:
        return False
    below, width = sizes[-2:]
    plain = 2 * steps * below * width
    gram = steps * below**2 + 2 * below * width + below**2 * width / batch_size
    return gram < 0.7 * plain


def gram_shape(sizes: tuple[int, ...], lanes: int) -> tuple[int, int]:
    """Return (rows, row stride) of the Gram matrix."""
    return sizes[-2], -(-sizes[-2] // lanes) * lanes


@kernel
def uses_gram(model):
    """Return whether the output relaxes through its Gram matrix."""
    return len(model.gram) > 0


@kernel
def n_gram_units(model):
    """Return the units of work that finding the Gram matrix takes: one a strip of columns."""
    if not uses_gram(model):
        return 0
    below = model.layers[len(model.layers) - 2, SIZE]
    return (below + model.lanes - 1) // model.lanes


@kernel
def gram_strip(model, strip, gradient, work):
    """Find one strip of columns: W_L's rows of the strip are turned, so that a product can run along them."""
    last = len(model.layers) - 1
    below, width, lanes = model.layers[last - 1, SIZE], model.layers[last, SIZE], model.lanes
    stride = (below + lanes - 1) // lanes * lanes
    weights, first = model.layers[last, WEIGHTS], strip * lanes
    # gradient[p * lanes + k] = W_L[first + k, p]
    rows = min(lanes, below - first)
    turn_rows(model.parameters, weights + first * width, width, rows, width, gradient, 0, lanes, work)
    multiply_band(below, model.gram, first, stride, model.parameters, weights, 1, width, gradient, 0, lanes, width)


@kernel
def set_pull(model, tile):
    """pi_L e_L W_L^T from the output's errors, once a relaxation."""
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    below, width = layers[last - 1, SIZE], layers[last, SIZE]
    weights, pull, errors = layers[last, WEIGHTS], layers[last - 1, PULL], layers[last, ERROR]
    multiply_band(below, tile, pull, lanes, model.parameters, weights, 1, width, tile, errors, lanes, width)


@kernel
def carry_pull(model, tile):
    """Take a change of the activities below the output, in their layer's CHANGE, out of the pull."""
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    size, change = layers[last - 1, SIZE], layers[last - 1, CHANGE]
    stride = (size + lanes - 1) // lanes * lanes
    factor = model.precisions[last] * model.scales[last]
    for band in range(n_bands(size)):
        j = band_start(size, band)
        rows = band_start(size, band + 1) - j
        multiply_band(rows, tile, 0, lanes, model.gram, j * stride, 1, stride, tile, change, lanes, size)
        products = borrow(tile, 0, rows * lanes)
        pull = borrow(tile, layers[last - 1, PULL] + j * lanes, rows * lanes)
        for i in range(rows * lanes):
            pull[i] -= factor * products[i]
