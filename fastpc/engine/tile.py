"""One tile of samples: predictions, errors and energies, the states held.

A tile holds one lane group of samples, feature-major: ``tile[layers[l, STATE] + j * lanes + sample]``. Lanes never
mix, so a sample's result does not depend on its neighbours, and lanes without a sample compute numbers nobody reads.
The head of a tile is scratch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.activations import activate
from fastpc.engine.elementary import exp
from fastpc.engine.inputs import load_target
from fastpc.engine.jit import inline_kernel, kernel
from fastpc.engine.layout import (
    ACTIVATION,
    ACTIVITY,
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    BATCH_ERROR,
    CHANGE,
    ERROR,
    ERROR_STRIDE,
    PREDICTION,
    SIZE,
    SKIP,
    SLOPE,
    STATE,
)
from fastpc.engine.memory import borrow
from fastpc.engine.packed import multiply_weights
from fastpc.engine.products import band_start, n_bands
from fastpc.engine.sample_weights import keep_weights, weigh_rows
from fastpc.engine.skips import add_states_below, carry_skip, scale_products
from fastpc.engine.transpose import store_rows

SQUARED_ERROR, CROSS_ENTROPY = range(2)


class Model(NamedTuple):
    """A network as kernels see it."""

    parameters: Any  # flat vector; see layout
    layers: Any  # the layout's table
    precisions: Any  # (L + 1,) pi_l; entry 0 is the prior's where layer 0 is free
    loss: Any  # SQUARED_ERROR or CROSS_ENTROPY
    lanes: Any  # width of a tile
    lowest: Any  # the lowest layer that moves: 1, or 0 where the input is free
    gram: Any  # W_L W_L^T in rows of whole lane groups, or empty where it does not pay; see gram
    packed: Any  # the parameters as predictions read them, or empty where it does not pay; see packed
    scales: Any  # (L + 1,) a_l, entry 0 unused
    weights: Any  # where a tile keeps its samples' weights, or None: all count alike


class Batch(NamedTuple):
    """What a batch's tiles leave behind for the weights; see layout for the flat arrays."""

    masks: Any  # (words, samples) uint64, which inputs are not zero; see inputs
    turned: Any  # the same, (inputs, words of samples), a unit of weights after the other; see update
    inputs: Any  # where samples' inputs are read: `room`, or the data themselves
    rows: Any  # (sections, samples) int64, where a sample's row begins in `inputs`
    in_place: Any  # whether `inputs` are the data
    room: Any  # (samples, row stride of f(x_0)) for copies; bytes where the data are, or else `activities`
    values: Any  # (256,), what a byte of `inputs` stands for; or empty
    sums: Any  # (sections, samples, row stride of e_1), each section's part of mu_1
    errors: Any
    activities: Any
    energies: Any  # (tiles, L + 1) float64, sums over the tile's samples
    correct: Any  # (tiles,) samples whose feed-forward output is largest at the label
    steps: Any  # (tiles,) relaxation steps taken


@inline_kernel
def area(model, l, column, tile):
    """Return the stretch of a tile that holds one kind of number for layer l, (n_l * lanes,)."""
    return borrow(tile, model.layers[l, column], model.layers[l, SIZE] * model.lanes)


@kernel
def predict(model, l, tile):
    """mu_l = a_l (f(x_{l-1}) W_l + b_l), plus x_{l-1} where a skip leads here."""
    layers, lanes = model.layers, model.lanes
    n_in, n_out = layers[l - 1, SIZE], layers[l, SIZE]
    activity, prediction = layers[l - 1, ACTIVITY], layers[l, PREDICTION]
    for band in range(n_bands(n_out)):
        out = prediction + band_start(n_out, band) * lanes
        multiply_weights(model, l, band, tile, out, activity, n_in + 1)
    scale_products(model, l, prediction, n_out * lanes, tile)
    if layers[l, SKIP] != 0:
        add_states_below(model, l, tile)


@kernel
def activate_layer(model, l, tile):
    """f(x_l), f'(x_l), and the activity's row of ones."""
    layers, lanes = model.layers, model.lanes
    count = layers[l, SIZE] * lanes
    activate(layers[l, ACTIVATION], tile, layers[l, STATE], layers[l, ACTIVITY], layers[l, SLOPE], count)
    ones = borrow(tile, layers[l, ACTIVITY] + count, lanes)
    for lane in range(lanes):
        ones[lane] = 1


@kernel
def feed_forward(model, tile):
    """x_l = mu_l through the hidden layers, and mu_L; mu_1 is there already."""
    for l in range(1, len(model.layers) - 1):
        states, predictions = area(model, l, STATE, tile), area(model, l, PREDICTION, tile)
        for i in range(len(states)):
            states[i] = predictions[i]
        activate_layer(model, l, tile)
        predict(model, l + 1, tile)


@kernel
def set_targets(model, inputs, order, first, count, tile):
    """Clamp the output layer to the samples' targets; bring their weights along."""
    last = len(model.layers) - 1
    keep_weights(model.weights, inputs, order, first, count, tile)
    for lane in range(count):
        sample = order[first + lane]
        load_target(inputs, sample, model.layers[last, SIZE], tile, model.layers[last, STATE], model.lanes, lane)


@kernel
def set_errors(model, l, tile):
    """pi_l e_l = pi_l (x_l - mu_l), of a hidden layer or of a squared-error output."""
    states, predictions = area(model, l, STATE, tile), area(model, l, PREDICTION, tile)
    errors = area(model, l, ERROR, tile)
    precision = model.precisions[l]
    for i in range(len(errors)):
        errors[i] = precision * (states[i] - predictions[i])


@kernel
def set_output_errors(model, tile):
    """pi_L (y - mu_L), or y - softmax(mu_L) for cross-entropy."""
    last = len(model.layers) - 1
    if model.loss == SQUARED_ERROR:
        set_errors(model, last, tile)
        return
    targets, outputs = area(model, last, STATE, tile), area(model, last, PREDICTION, tile)
    softmax_errors(targets, outputs, area(model, last, ERROR, tile), borrow(tile, 0, 2 * model.lanes), model.lanes)


@kernel
def set_feed_forward_errors(model, tile):
    """The errors after the feed-forward pass: only the output's are not zero."""
    set_output_errors(model, tile)
    for l in range(1, len(model.layers) - 1):
        errors = area(model, l, ERROR, tile)
        for i in range(len(errors)):
            errors[i] = 0


@kernel
def softmax_errors(targets, outputs, errors, work, lanes):
    """Y - softmax(outputs), sample by sample."""
    largest, total = borrow(work, 0, lanes), borrow(work, lanes, lanes)
    size = len(outputs) // lanes
    for lane in range(lanes):
        largest[lane] = outputs[lane]
        total[lane] = 0
    for j in range(1, size):
        for lane in range(lanes):
            largest[lane] = max(largest[lane], outputs[j * lanes + lane])
    for j in range(size):
        for lane in range(lanes):
            e = exp(outputs[j * lanes + lane] - largest[lane])
            errors[j * lanes + lane] = e
            total[lane] += e
    for j in range(size):
        for lane in range(lanes):
            i = j * lanes + lane
            errors[i] = targets[i] - errors[i] / total[lane]


@kernel
def carry_errors(model, l, tile):
    """pi_l e_l after a change of the activities below, in their layer's CHANGE: e_l <- e_l - a_l da_{l-1} W_l."""
    factor = model.precisions[l] * model.scales[l]
    for band in range(n_bands(model.layers[l, SIZE])):
        products, errors = _products_of_change(model, l, ERROR, band, tile)
        for i in range(len(errors)):
            errors[i] -= factor * products[i]
    if model.layers[l, SKIP] != 0:
        carry_skip(model, l, tile)


@kernel
def carry_outputs(model, tile):
    """Cross-entropy's outputs and errors after a change below: mu_L <- mu_L + a_L da_{L-1} W_L."""
    last = len(model.layers) - 1
    scale = model.scales[last]
    for band in range(n_bands(model.layers[last, SIZE])):
        products, outputs = _products_of_change(model, last, PREDICTION, band, tile)
        for i in range(len(outputs)):
            outputs[i] += scale * products[i]
    set_output_errors(model, tile)


@inline_kernel
def _products_of_change(model, l, column, band, tile):
    """Return a band of da_{l-1} W_l, which is in the tile's head, and the layer's numbers that it belongs to."""
    layers, lanes = model.layers, model.lanes
    n_in, n_out = layers[l - 1, SIZE], layers[l, SIZE]
    j = band_start(n_out, band)
    rows = band_start(n_out, band + 1) - j
    multiply_weights(model, l, band, tile, 0, layers[l - 1, CHANGE], n_in)
    return borrow(tile, 0, rows * lanes), borrow(tile, layers[l, column] + j * lanes, rows * lanes)


@kernel
def count_correct(model, inputs, order, first, count, tile):
    """Return how many samples' largest feed-forward output, the first one among equals, stands at their label."""
    last, lanes = len(model.layers) - 1, model.lanes
    outputs = area(model, last, PREDICTION, tile)
    largest, best = borrow(tile, 0, lanes), borrow(tile, lanes, lanes)
    for lane in range(lanes):
        largest[lane] = outputs[lane]
        best[lane] = 0
    for j in range(1, model.layers[last, SIZE]):
        for lane in range(lanes):
            is_larger = outputs[j * lanes + lane] > largest[lane]
            largest[lane] = outputs[j * lanes + lane] if is_larger else largest[lane]
            best[lane] = j if is_larger else best[lane]
    correct = 0
    for lane in range(count):
        correct += 1 if inputs.labels[order[first + lane]] == best[lane] else 0
    return correct


@kernel
def store_tile(model, first, count, tile, batch, work):
    """Copy the errors, and the activities of layers that move, to the batch buffers, one row a sample."""
    layers = model.layers
    for l in range(model.lowest, len(layers)):
        if l > 0:
            store_errors(model, l, first, count, tile, batch, work)
        if l < len(layers) - 1:
            stride = layers[l, ACTIVITY_STRIDE]
            place = layers[l, BATCH_ACTIVITY] + first * stride
            size = layers[l, SIZE] + 1
            store_rows(tile, layers[l, ACTIVITY], size, count, model.lanes, batch.activities, place, stride, work)


@kernel
def store_errors(model, l, first, count, tile, batch, work):
    """Copy one layer's errors to the batch buffer, each sample's times its weight."""
    stride = model.layers[l, ERROR_STRIDE]
    place = model.layers[l, BATCH_ERROR] + first * stride
    size = model.layers[l, SIZE]
    store_rows(tile, model.layers[l, ERROR], size, count, model.lanes, batch.errors, place, stride, work)
    weigh_rows(model.weights, batch.errors, place, stride, size, count, tile)
