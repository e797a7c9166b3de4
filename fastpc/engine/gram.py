"""A wide clamped output, relaxed through its Gram matrix.

Where a squared-error output is much wider than the layer below it (an image above 128 hidden units), its error enters
the relaxation only as e_L W_L^T, and

    pi_L e_L W_L^T = pi_L (y - b_L) W_L^T - pi_L f(x_{L-1}) (W_L W_L^T)

needs the image once a relaxation, and in each step a product with a matrix of n_{L-1} by n_{L-1}. It is exact, up to
rounding. The Gram matrix W_L W_L^T is found anew for each batch, a strip of columns at a time.
"""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.layout import DRIVE, ERROR, SIZE, STATE, WEIGHTS
from fastpc.engine.products import multiply_band
from fastpc.engine.tile import area
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
    turn_rows(
        model.parameters, weights + first * width, width, min(lanes, below - first), width, gradient, 0, lanes, work
    )
    multiply_band(below, model.gram, first, stride, model.parameters, weights, 1, width, gradient, 0, lanes, width)


@kernel
def set_drive(model, tile):
    """pi_L (y - b_L) W_L^T, once a relaxation."""
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    below, width = layers[last - 1, SIZE], layers[last, SIZE]
    weights = layers[last, WEIGHTS]
    targets, free = area(model, last, STATE, tile), area(model, last, ERROR, tile)
    for j in range(width):
        bias = model.parameters[weights + below * width + j]
        for lane in range(lanes):
            i = j * lanes + lane
            free[i] = model.precisions[last] * (targets[i] - bias)
    drive, errors = layers[last - 1, DRIVE], layers[last, ERROR]
    multiply_band(below, tile, drive, lanes, model.parameters, weights, 1, width, tile, errors, lanes, width)
