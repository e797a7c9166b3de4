"""Relaxation in the errors: the variables are eps_l = x_l - mu_l, and every sweep carries a signal through all layers.

One sweep, per sample, with <a, b> = sum over hidden layers of pi_l a_l . b_l and eps = 0 at the start:

    down   delta_L = pi_L e_L;   delta_l = f'(x_l) ⊙ (delta_{l+1} W_{l+1}^T);   r_l = delta_l / pi_l - eps_l
    step   alpha is fixed; or else |e_L|^2 pi_L / (|e_L|^2 pi_L + <r, r>) at first, then <s, s> / <s, y>, s being the
           last move and y the fall of r, held to at most 1 (Barzilai & Borwein 1988)
    up     eps_l ← eps_l + alpha r_l;   x_l = mu_l + eps_l;   mu_{l+1} = f(x_l) W_{l+1} + b_{l+1}

Its fixed points are those of plain relaxation (r = 0 exactly when dF/dx = 0). ``python -m benchmarks solver`` compares
it with plain steps at their best step size: it comes nearer in less than half the multiplications. Tried and left, with
as many products: heavy ball, Nesterov, Chebyshev, Gauss-Seidel sweeps and Anderson's method on the states, all much
further from the equilibrium; on the errors, Anderson's method was as good but less safe.

Source: Goemaere et al. 2025 for the coordinates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.backward import sweep_down
from fastpc.engine.energy import add_energies
from fastpc.engine.jit import kernel
from fastpc.engine.layout import CHANGE, ERROR, PREDICTION, PULL, SIZE, STATE, VELOCITY
from fastpc.engine.memory import borrow
from fastpc.engine.tile import activate_layer, area, predict, set_output_errors

# Of hidden layers: eps_l, r_l, and the r_l before.
EPSILON, LACK, LAST_LACK = PULL, CHANGE, VELOCITY


class Sweeps(NamedTuple):
    """How many sweeps to take, how far, and when a sample has settled; numbers are of the network's dtype."""

    steps: Any
    tolerance: Any  # a sample stops once pi_l r_l is nowhere larger; 0: never
    step_size: Any  # alpha of all samples and sweeps; 0: each sample's own, found anew for every sweep


@kernel
def relax_errors(model, settings, step_size, order, first, count, tile, moving, energies, trace):
    """Relax the tile from its feed-forward states by sweeps. See `settle`."""
    last = len(model.layers) - 1
    set_output_errors(model, tile)
    for l in range(1, last):
        epsilon = area(model, l, EPSILON, tile)
        for i in range(len(epsilon)):
            epsilon[i] = 0
    for lane in range(model.lanes):
        moving[lane] = 1
    taken = 0
    for t in range(settings.steps if last > 1 else 0):
        if t < len(trace):
            set_hidden_errors(model, tile)
            add_energies(model, tile, count, trace[t])
        sweep_down(model, tile)
        find_lacks(model, tile)
        if choose_steps(model, settings, t == 0, count, tile, moving) == 0:
            break
        sweep_up(model, tile)
        taken = t + 1
    set_hidden_errors(model, tile)
    add_energies(model, tile, count, energies)
    for t in range(taken, len(trace)):
        for l in range(len(trace[t])):
            trace[t, l] = 0
        add_energies(model, tile, count, trace[t])
    return taken


@kernel
def set_hidden_errors(model, tile):
    """pi_l e_l of all hidden layers; the sweeps keep their signals in the same place."""
    for l in range(1, len(model.layers) - 1):
        errors, epsilon = area(model, l, ERROR, tile), area(model, l, EPSILON, tile)
        precision = model.precisions[l]
        for i in range(len(errors)):
            errors[i] = precision * epsilon[i]


@kernel
def find_lacks(model, tile):
    """r_l = delta_l / pi_l - eps_l, what each hidden layer's error lacks."""
    for l in range(1, len(model.layers) - 1):
        delta, lack = area(model, l, ERROR, tile), area(model, l, LACK, tile)
        epsilon = area(model, l, EPSILON, tile)
        variance = tile.dtype.type(1) / model.precisions[l]
        for i in range(len(lack)):
            lack[i] = variance * delta[i] - epsilon[i]


@kernel
def choose_steps(model, settings, is_first, count, tile, moving):
    """Give every sample its step, 0 once it has settled; return how many still move."""
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    step = borrow(tile, layers[last, CHANGE], lanes)
    if settings.step_size > 0 and not settings.tolerance > 0:
        for lane in range(lanes):
            step[lane] = settings.step_size
        return count
    square, cross = borrow(tile, layers[last, PULL], lanes), borrow(tile, layers[last, PULL] + lanes, lanes)
    residual = borrow(tile, layers[last, CHANGE] + lanes, lanes)
    before = borrow(tile, layers[last, VELOCITY], lanes)
    for lane in range(lanes):
        square[lane] = 0
        cross[lane] = 0
        residual[lane] = 0
    for l in range(1, last):
        lack, previous = area(model, l, LACK, tile), area(model, l, LAST_LACK, tile)
        precision = model.precisions[l]
        for j in range(layers[l, SIZE]):
            row, old = borrow(lack, j * lanes, lanes), borrow(previous, j * lanes, lanes)
            for lane in range(lanes):
                r = row[lane]
                square[lane] += precision * r * r
                if not is_first:
                    cross[lane] += precision * r * old[lane]
                # Written so that a NaN stays, and counts as unsettled.
                if not precision * abs(r) <= residual[lane] and residual[lane] == residual[lane]:
                    residual[lane] = precision * abs(r)
                old[lane] = r
    one = step.dtype.type(1)
    if settings.step_size > 0:
        for lane in range(lanes):
            step[lane] = settings.step_size
    elif is_first:
        errors = area(model, last, ERROR, tile)
        for lane in range(lanes):
            top = step.dtype.type(0)
            for j in range(layers[last, SIZE]):
                top += errors[j * lanes + lane] * errors[j * lanes + lane]
            # The area holds pi_L e_L.
            top /= model.precisions[last]
            step[lane] = top / (top + square[lane]) if top + square[lane] > 0 else one
    else:
        for lane in range(lanes):
            fall = before[lane] - cross[lane]
            step[lane] = min(one, step[lane] * before[lane] / fall) if fall > 0 else one
    n_moving = 0
    for lane in range(lanes):
        before[lane] = square[lane]
        if residual[lane] < settings.tolerance:
            moving[lane] = 0
        if moving[lane] == 0:
            step[lane] = 0
        n_moving += 1 if moving[lane] != 0 and lane < count else 0
    return n_moving


@kernel
def sweep_up(model, tile):
    """Move every layer's error by its sample's step, and rebuild states and predictions from the bottom."""
    layers, lanes = model.layers, model.lanes
    last = len(layers) - 1
    step = borrow(tile, layers[last, CHANGE], lanes)
    for l in range(1, last):
        if l > 1:
            predict(model, l, tile)
        lack, epsilon = area(model, l, LACK, tile), area(model, l, EPSILON, tile)
        states, predictions = area(model, l, STATE, tile), area(model, l, PREDICTION, tile)
        for j in range(layers[l, SIZE]):
            for lane in range(lanes):
                i = j * lanes + lane
                epsilon[i] += step[lane] * lack[i]
                states[i] = predictions[i] + epsilon[i]
        activate_layer(model, l, tile)
    predict(model, last, tile)
    set_output_errors(model, tile)
