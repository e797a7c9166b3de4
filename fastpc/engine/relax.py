"""Relaxation of one tile: all its steps in one go, in cache, with no barrier.

Samples do not meet while the weights stand still, so nothing waits. From a feed-forward start only the output's
error is not zero, and an error moves down one layer a step: layers below the *frontier* cannot have moved, and are
skipped. That is exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.activations import activate, multiply_slopes
from fastpc.engine.gram import set_drive, uses_gram
from fastpc.engine.jit import inline_kernel, kernel, merged_kernel
from fastpc.engine.layout import (
    ACTIVATION,
    ACTIVITY,
    DRIVE,
    ERROR,
    GRADIENT,
    PREDICTION,
    SIZE,
    SLOPE,
    STATE,
    VELOCITY,
    WEIGHTS,
)
from fastpc.engine.memory import borrow
from fastpc.engine.products import band_start, multiply_band, n_bands
from fastpc.engine.start import random_state
from fastpc.engine.tile import activate_layer, add_energies, area, predict_errors, set_errors, set_output_errors

FEEDFORWARD, ZEROS, RANDOM = range(3)


class Relaxation(NamedTuple):
    """How the states settle; the numbers are of the network's dtype."""

    steps: Any
    start: Any  # FEEDFORWARD, ZEROS or RANDOM
    momentum: Any
    tolerance: Any  # a sample stops once its largest state gradient is below; 0: never
    seed: Any  # of random starts


@kernel
def start_states(model, relaxation, order, first, count, tile):
    """Set the hidden states to zeros, or to seeded normal numbers, and predict from there."""
    lanes = model.lanes
    last = len(model.layers) - 1
    for l in range(1, last):
        states = area(model, l, STATE, tile)
        for i in range(len(states)):
            states[i] = 0
        if relaxation.start == RANDOM:
            for j in range(model.layers[l, SIZE]):
                for lane in range(count):
                    states[j * lanes + lane] = random_state(relaxation.seed, order[first + lane], l, j)
        activate_layer(model, l, tile)
    if last > 1:
        set_errors(model, 1, tile)
    for l in range(2, last + 1):
        predict_errors(model, l, tile)


@inline_kernel
def state_gradient(model, l, j, rows, out, tile):
    """-dF/dx_l = f'(x_l) (pi_{l+1} e_{l+1} W_{l+1}^T) - pi_l e_l of `rows` units from j on, to ``tile[out]``."""
    layers, lanes = model.layers, model.lanes
    at, count = j * lanes, rows * lanes
    gradient = borrow(tile, out, count)
    if gram_stands_above(model, l):
        size = layers[l, SIZE]
        stride = (size + lanes - 1) // lanes * lanes
        multiply_band(rows, tile, out, lanes, model.gram, j * stride, 1, stride, tile, layers[l, ACTIVITY], lanes, size)
        drive = borrow(tile, layers[l, DRIVE] + at, count)
        top = model.precisions[l + 1]
        for i in range(count):
            gradient[i] = drive[i] - top * gradient[i]
    else:
        above = layers[l + 1, SIZE]
        weights, errors = layers[l + 1, WEIGHTS] + j * above, layers[l + 1, ERROR]
        multiply_band(rows, tile, out, lanes, model.parameters, weights, 1, above, tile, errors, lanes, above)
    state, activity, slope = layers[l, STATE] + at, layers[l, ACTIVITY] + at, layers[l, SLOPE] + at
    multiply_slopes(layers[l, ACTIVATION], tile, out, state, activity, slope, count)
    states = borrow(tile, state, count)
    predictions = borrow(tile, layers[l, PREDICTION] + at, count)
    precision = model.precisions[l]
    for i in range(count):
        gradient[i] -= precision * (states[i] - predictions[i])


@inline_kernel
def gram_stands_above(model, l):
    """Return whether layer l is pulled through the output's Gram matrix."""
    return uses_gram(model) and l == len(model.layers) - 2


@inline_kernel
def shift(model, momentum, step_size, l, j, rows, gradient_at, tile):
    """Move v <- m v + step (-dF/dx), x <- x + v for `rows` units of layer l from j on; f and f' follow."""
    layers, lanes = model.layers, model.lanes
    at, count = j * lanes, rows * lanes
    gradient = borrow(tile, gradient_at, count)
    states = borrow(tile, layers[l, STATE] + at, count)
    if momentum != 0:
        velocities = borrow(tile, layers[l, VELOCITY] + at, count)
        for i in range(count):
            velocities[i] = momentum * velocities[i] + step_size * gradient[i]
            states[i] += velocities[i]
    else:
        for i in range(count):
            states[i] += step_size * gradient[i]
    activity, slope = layers[l, ACTIVITY] + at, layers[l, SLOPE] + at
    activate(layers[l, ACTIVATION], tile, layers[l, STATE] + at, activity, slope, count)


@kernel
def move(model, momentum, step_size, l, tile):
    """One step of layer l, a band of units at a time, while they are in the nearest cache."""
    size, lanes = model.layers[l, SIZE], model.lanes
    # A Gram product reads all of the layer's own activities: none may move before all gradients are there.
    apart = gram_stands_above(model, l)
    for turn in range(2 if apart else 1):
        for band in range(n_bands(size)):
            j = band_start(size, band)
            rows = band_start(size, band + 1) - j
            at = model.layers[l, GRADIENT] + j * lanes if apart else 0
            if turn == 0:
                state_gradient(model, l, j, rows, at, tile)
            if turn == 1 or not apart:
                shift(model, momentum, step_size, l, j, rows, at, tile)


@kernel
def move_unsettled(model, relaxation, step_size, frontier, count, tile, moving):
    """One step of the samples whose largest state gradient is not below the tolerance; return how many moved.

    A sample that has settled stays where it is, whatever its neighbours do.
    """
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    residual = borrow(tile, layers[last, GRADIENT], lanes)
    for lane in range(lanes):
        residual[lane] = 0
    for l in range(frontier, last):
        size = layers[l, SIZE]
        for band in range(n_bands(size)):
            j = band_start(size, band)
            rows = band_start(size, band + 1) - j
            at = layers[l, GRADIENT] + j * lanes
            state_gradient(model, l, j, rows, at, tile)
            gradients = borrow(tile, at, rows * lanes)
            for i in range(rows * lanes):
                lane = i % lanes
                # Written so that a NaN stays, and counts as unsettled.
                if not abs(gradients[i]) <= residual[lane] and residual[lane] == residual[lane]:
                    residual[lane] = abs(gradients[i])
    n_moving = 0
    for lane in range(count):
        if residual[lane] < relaxation.tolerance:
            moving[lane] = 0
        n_moving += 1 if moving[lane] != 0 else 0
    if n_moving == 0:
        return 0
    for l in range(frontier, last):
        gradients, velocities = area(model, l, GRADIENT, tile), area(model, l, VELOCITY, tile)
        states = area(model, l, STATE, tile)
        for i in range(len(states)):
            velocities[i] = relaxation.momentum * velocities[i] + step_size * gradients[i]
            if moving[i % lanes] != 0:
                states[i] += velocities[i]
        activate_layer(model, l, tile)
    return n_moving


@merged_kernel
def relax(model, relaxation, step_size, order, first, count, tile, moving, trace):
    """Relax the tile from its feed-forward states (or others); return the steps taken.

    ``trace[t]`` (steps + 1 rows, or none) receives the energies after t steps, summed over the tile's samples.
    """
    last = len(model.layers) - 1
    set_output_errors(model, tile)
    for l in range(1, last):
        errors, velocities = area(model, l, ERROR, tile), area(model, l, VELOCITY, tile)
        for i in range(len(errors)):
            errors[i] = 0
            velocities[i] = 0
    frontier = last
    if relaxation.start != FEEDFORWARD:
        start_states(model, relaxation, order, first, count, tile)
        frontier = 1
    for lane in range(len(moving)):
        moving[lane] = 1
    # A trace wants the output's energy in every step, and so its errors.
    gram = uses_gram(model) and len(trace) == 0
    if uses_gram(model):
        set_drive(model, tile)
        set_output_errors(model, tile)
    taken = 0
    for t in range(relaxation.steps if last > 1 else 0):
        if len(trace) > 0:
            add_energies(model, tile, count, trace[t])
        frontier = max(1, frontier - 1)
        if relaxation.tolerance > 0:
            if move_unsettled(model, relaxation, step_size, frontier, count, tile, moving) == 0:
                break
        else:
            for l in range(frontier, last):
                move(model, relaxation.momentum, step_size, l, tile)
        taken = t + 1
        # Nothing is predicted below layer 2 anew, and nothing reads layer 1's own errors until the end.
        if frontier > 1 or taken == relaxation.steps or len(trace) > 0:
            set_errors(model, frontier, tile)
        for l in range(frontier + 1, last if gram else last + 1):
            predict_errors(model, l, tile)
    if gram:
        predict_errors(model, last, tile)
    if taken < relaxation.steps and frontier == 1 and last > 1:
        set_errors(model, 1, tile)
    for t in range(taken, len(trace)):
        for l in range(len(trace[t])):
            trace[t, l] = 0
        add_energies(model, tile, count, trace[t])
    return taken
