"""Scaled products and skip connections: what residual networks have more than plain ones.

    mu_l = a_l (f(x_{l-1}) W_l + b_l)  (+ x_{l-1} where a skip leads to layer l)

Plain networks, with scales of 1 and no skips, are asked once a band or a layer and pay nothing else.
"""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.layout import CHANGE, ERROR, MOVE, PREDICTION, SIZE, STATE
from fastpc.engine.memory import borrow


@kernel
def scale_products(model, l, start, count, tile):
    """Multiply ``tile[start : start + count]``, products with W_l, by a_l."""
    scale = model.scales[l]
    if scale != 1:
        products = borrow(tile, start, count)
        for i in range(count):
            products[i] *= scale


@kernel
def add_states_below(model, l, tile):
    """mu_l ← mu_l + x_{l-1}."""
    count = model.layers[l, SIZE] * model.lanes
    predictions = borrow(tile, model.layers[l, PREDICTION], count)
    states = borrow(tile, model.layers[l - 1, STATE], count)
    for i in range(count):
        predictions[i] += states[i]


@kernel
def add_errors_above(model, l, at, start, count, tile):
    """Add what the ERROR area of layer l + 1 holds, from `at` on, to ``tile[start : start + count]``."""
    signals = borrow(tile, start, count)
    errors = borrow(tile, model.layers[l + 1, ERROR] + at, count)
    for i in range(count):
        signals[i] += errors[i]


@kernel
def keep_move(model, l, at, count, tile):
    """Keep a stretch of dx_l, which CHANGE still holds, for the layer above."""
    moves = borrow(tile, model.layers[l, MOVE] + at, count)
    changes = borrow(tile, model.layers[l, CHANGE] + at, count)
    for i in range(count):
        moves[i] = changes[i]


@kernel
def carry_skip(model, l, tile):
    """pi_l e_l after the states below have moved: e_l ← e_l - dx_{l-1}."""
    count = model.layers[l, SIZE] * model.lanes
    errors = borrow(tile, model.layers[l, ERROR], count)
    moves = borrow(tile, model.layers[l - 1, MOVE], count)
    precision = model.precisions[l]
    for i in range(count):
        errors[i] -= precision * moves[i]
