"""Relaxation of one tile: all its steps in one go, in cache, with no barrier.

Samples do not meet while the weights stand still, so nothing waits. From a feed-forward start only the output's
error is not zero, and an error moves down one layer a step: layers below the *frontier* cannot have moved, and are
skipped. That is exact.

Errors are carried, never taken as differences of states and predictions: when the states move by dx, so that the
activities change by da_l = f(x_l + dx_l) - f(x_l),

    e_l  ←  e_l + dx_l - a_l da_{l-1} W_l  (- dx_{l-1} where a skip leads to layer l)

An error far below a deep network's output is many orders smaller than its state, and x_l - mu_l would be all
rounding there. It also costs no more: the product is the same one, and a clamped input needs none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.activations import advance, is_piecewise_linear, multiply_slopes
from fastpc.engine.energy import add_energies
from fastpc.engine.gram import carry_pull, set_pull, uses_gram
from fastpc.engine.jit import inline_kernel, kernel, merged_kernel
from fastpc.engine.layout import ACTIVATION, ACTIVITY, CHANGE, ERROR, PULL, SIZE, SKIP, SLOPE, STATE, VELOCITY, WEIGHTS
from fastpc.engine.memory import borrow
from fastpc.engine.products import band_start, multiply_band, n_bands
from fastpc.engine.skips import add_errors_above, keep_move, scale_products
from fastpc.engine.start import random_state
from fastpc.engine.tile import (
    CROSS_ENTROPY,
    activate_layer,
    area,
    carry_errors,
    carry_outputs,
    predict,
    set_errors,
    set_feed_forward_errors,
    set_output_errors,
)

FEEDFORWARD, ZEROS, RANDOM, GIVEN = range(4)


class Relaxation(NamedTuple):
    """How the states settle; the numbers are of the network's dtype."""

    steps: Any
    start: Any  # FEEDFORWARD, ZEROS, RANDOM, or GIVEN: as the tile's states are
    momentum: Any
    tolerance: Any  # a sample stops once its largest state gradient is below; 0: never
    seed: Any  # of random starts


@kernel
def start_states(model, relaxation, order, first, count, tile):
    """Set the hidden states to zeros or to seeded normal numbers, or leave those given, and predict from there."""
    lanes = model.lanes
    last = len(model.layers) - 1
    for l in range(1, last):
        states = area(model, l, STATE, tile)
        if relaxation.start != GIVEN:
            for i in range(len(states)):
                states[i] = 0
        if relaxation.start == RANDOM:
            for j in range(model.layers[l, SIZE]):
                for lane in range(count):
                    states[j * lanes + lane] = random_state(relaxation.seed, order[first + lane], l, j)
        activate_layer(model, l, tile)
    for l in range(1, last):
        if l > 1:
            predict(model, l, tile)
        set_errors(model, l, tile)
    if last > 1:
        predict(model, last, tile)
        set_output_errors(model, tile)


@inline_kernel
def state_gradient(model, l, j, rows, tile):
    """-dF/dx_l = f'(x_l) (a_{l+1} pi_{l+1} e_{l+1} W_{l+1}^T) - pi_l e_l of `rows` units from j on, to CHANGE.

    Where a skip leads on to layer l + 1, its pi_{l+1} e_{l+1} comes down there too.
    """
    layers, lanes = model.layers, model.lanes
    at, count = j * lanes, rows * lanes
    out = layers[l, CHANGE] + at
    gradient = borrow(tile, out, count)
    if uses_gram(model) and l == len(layers) - 2:
        pull = borrow(tile, layers[l, PULL] + at, count)
        for i in range(count):
            gradient[i] = pull[i]
    else:
        above = layers[l + 1, SIZE]
        weights, errors = layers[l + 1, WEIGHTS] + j * above, layers[l + 1, ERROR]
        multiply_band(rows, tile, out, lanes, model.parameters, weights, 1, above, tile, errors, lanes, above)
    scale_products(model, l + 1, out, count, tile)
    state, activity, slope = layers[l, STATE] + at, layers[l, ACTIVITY] + at, layers[l, SLOPE] + at
    multiply_slopes(layers[l, ACTIVATION], tile, out, state, activity, slope, count)
    if layers[l + 1, SKIP] != 0:
        add_errors_above(model, l, at, out, count, tile)
    errors_here = borrow(tile, layers[l, ERROR] + at, count)
    for i in range(count):
        gradient[i] -= errors_here[i]


@inline_kernel
def shift(model, momentum, step_size, l, j, rows, tile):
    """Move v <- m v + step (-dF/dx), x <- x + v, e <- e + v for `rows` units of layer l; CHANGE is then that of f."""
    layers, lanes = model.layers, model.lanes
    at, count = j * lanes, rows * lanes
    change = borrow(tile, layers[l, CHANGE] + at, count)
    errors = borrow(tile, layers[l, ERROR] + at, count)
    precision = model.precisions[l]
    if momentum != 0:
        velocities = borrow(tile, layers[l, VELOCITY] + at, count)
        for i in range(count):
            velocities[i] = momentum * velocities[i] + step_size * change[i]
            change[i] = velocities[i]
            errors[i] += precision * change[i]
    else:
        for i in range(count):
            change[i] *= step_size
            errors[i] += precision * change[i]
    if layers[l + 1, SKIP] != 0:
        keep_move(model, l, at, count, tile)
    state, activity, slope = layers[l, STATE] + at, layers[l, ACTIVITY] + at, layers[l, SLOPE] + at
    advance(layers[l, ACTIVATION], tile, layers[l, CHANGE] + at, state, activity, slope, count)


@kernel
def move(model, momentum, step_size, l, tile):
    """One step of layer l, a band of units at a time, while they are in the nearest cache."""
    size = model.layers[l, SIZE]
    for band in range(n_bands(size)):
        j = band_start(size, band)
        rows = band_start(size, band + 1) - j
        state_gradient(model, l, j, rows, tile)
        shift(model, momentum, step_size, l, j, rows, tile)


@kernel
def move_unsettled(model, relaxation, step_size, frontier, count, tile, moving):
    """One step of the samples whose largest state gradient is not below the tolerance; return how many moved.

    A sample that has settled stays where it is, whatever its neighbours do.
    """
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    residual = borrow(tile, layers[last, CHANGE], lanes)
    for lane in range(lanes):
        residual[lane] = 0
    for l in range(frontier, last):
        state_gradients(model, l, tile)
        gradients = area(model, l, CHANGE, tile)
        for i in range(len(gradients)):
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
        change, velocities = area(model, l, CHANGE, tile), area(model, l, VELOCITY, tile)
        errors, precision = area(model, l, ERROR, tile), model.precisions[l]
        for i in range(len(change)):
            velocities[i] = relaxation.momentum * velocities[i] + step_size * change[i]
            change[i] = velocities[i] if moving[i % lanes] != 0 else change[i] - change[i]
            errors[i] += precision * change[i]
        row = layers[l]
        if layers[l + 1, SKIP] != 0:
            keep_move(model, l, 0, len(change), tile)
        advance(row[ACTIVATION], tile, row[CHANGE], row[STATE], row[ACTIVITY], row[SLOPE], len(change))
    return n_moving


@kernel
def state_gradients(model, l, tile):
    """-dF/dx_l of a whole layer."""
    size = model.layers[l, SIZE]
    for band in range(n_bands(size)):
        j = band_start(size, band)
        state_gradient(model, l, j, band_start(size, band + 1) - j, tile)


@kernel
def carry(model, frontier, with_outputs, tile):
    """Take the changes of the activities from the frontier up out of the errors above."""
    last = len(model.layers) - 1
    for l in range(frontier + 1, last):
        carry_errors(model, l, tile)
    if uses_gram(model):
        carry_pull(model, tile)
    if with_outputs:
        if model.loss == CROSS_ENTROPY:
            carry_outputs(model, tile)
        else:
            carry_errors(model, last, tile)


@merged_kernel
def relax(model, relaxation, step_size, order, first, count, tile, moving, trace):
    """Relax the tile from its feed-forward states (or others); return the steps taken.

    ``trace[t]`` (steps + 1 rows, or none) receives the energies after t steps, summed over the tile's samples.
    """
    last, lowest = len(model.layers) - 1, model.lowest
    set_feed_forward_errors(model, tile)
    if lowest == 0:
        set_errors(model, 0, tile)
    if relaxation.momentum != 0 or relaxation.tolerance > 0:
        for l in range(lowest, last):
            velocities = area(model, l, VELOCITY, tile)
            for i in range(len(velocities)):
                velocities[i] = 0
    # A free input has a prior, and so an error of its own.
    frontier = last if lowest == 1 else 1
    if relaxation.start != FEEDFORWARD:
        start_states(model, relaxation, order, first, count, tile)
        frontier = 1
    for lane in range(len(moving)):
        moving[lane] = 1
    # Through its Gram matrix, the output itself is wanted at the end alone; a trace wants its energy in every step.
    with_outputs = not uses_gram(model) or len(trace) > 0
    if uses_gram(model):
        set_pull(model, tile)
    taken = 0
    for t in range(relaxation.steps if last > lowest else 0):
        if len(trace) > 0:
            add_energies(model, tile, count, trace[t])
        frontier = max(lowest, frontier - 1)
        if relaxation.tolerance > 0:
            if move_unsettled(model, relaxation, step_size, frontier, count, tile, moving) == 0:
                break
        else:
            for l in range(frontier, last):
                move(model, relaxation.momentum, step_size, l, tile)
        taken = t + 1
        carry(model, frontier, with_outputs, tile)
    for l in range(frontier, last):
        if is_piecewise_linear(model.layers[l, ACTIVATION]):
            activate_layer(model, l, tile)
    if not with_outputs:
        predict(model, last, tile)
        set_output_errors(model, tile)
    for t in range(taken, len(trace)):
        for l in range(len(trace[t])):
            trace[t, l] = 0
        add_energies(model, tile, count, trace[t])
    return taken
