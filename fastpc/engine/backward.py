"""Signals from the output down, layer by layer: backpropagation, and the downward half of other rules' steps."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.activations import multiply_slopes
from fastpc.engine.energy import add_energy
from fastpc.engine.jit import kernel
from fastpc.engine.layout import ACTIVATION, ACTIVITY, ERROR, SIZE, SKIP, SLOPE, STATE, WEIGHTS
from fastpc.engine.products import band_start, multiply_band, n_bands
from fastpc.engine.skips import add_errors_above, scale_products
from fastpc.engine.tile import set_output_errors


class Backward(NamedTuple):
    """Backpropagation: one sweep down, in which no state moves."""

    steps: Any  # 0


@kernel
def carry_down(model, l, column, tile):
    """f'(x_l) ⊙ (a_{l+1} delta_{l+1} W_{l+1}^T), delta being what the ERROR area above holds, to layer l's `column`.

    Where a skip leads on to layer l + 1, delta_{l+1} comes down there too.
    """
    layers, lanes = model.layers, model.lanes
    size, above = layers[l, SIZE], layers[l + 1, SIZE]
    # A band of units at a time, while they are in the nearest cache.
    for band in range(n_bands(size)):
        j = band_start(size, band)
        rows = band_start(size, band + 1) - j
        at = j * lanes
        out, weights = layers[l, column] + at, layers[l + 1, WEIGHTS] + j * above
        multiply_band(
            rows, tile, out, lanes, model.parameters, weights, 1, above, tile, layers[l + 1, ERROR], lanes, above
        )
        scale_products(model, l + 1, out, rows * lanes, tile)
        state, activity, slope = layers[l, STATE] + at, layers[l, ACTIVITY] + at, layers[l, SLOPE] + at
        multiply_slopes(layers[l, ACTIVATION], tile, out, state, activity, slope, rows * lanes)
        if layers[l + 1, SKIP] != 0:
            add_errors_above(model, l, at, out, rows * lanes, tile)


@kernel
def sweep_down(model, tile):
    """delta_l = f'(x_l) ⊙ (delta_{l+1} W_{l+1}^T) for all hidden layers, from the output's error, in ERROR areas."""
    for l in range(len(model.layers) - 2, 0, -1):
        carry_down(model, l, ERROR, tile)


@kernel
def sweep_once(model, settings, step_size, order, first, count, tile, work, energies, trace):
    """Backpropagation's signals where the weights look for errors. No hidden layer has energy. See `settle`."""
    last = len(model.layers) - 1
    set_output_errors(model, tile)
    add_energy(model, last, tile, count, energies)
    for t in range(len(trace)):
        add_energy(model, last, tile, count, trace[t])
    sweep_down(model, tile)
    return 0
