"""Errors that relax while predictions, slopes and presynaptic activities stay those of the feed-forward pass.

With mu_l^0, f'(x_l^0) and f(x_l^0) frozen, moving x_l moves nothing but its own error, and

    e_l ← e_l + gamma (f'(x_l^0) ⊙ (e_{l+1} W_{l+1}^T) - e_l)        l = 1 … L-1, all layers at once

has backpropagation's signals as its fixed point. Source: Millidge, Tschantz & Buckley 2020.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.backward import carry_down
from fastpc.engine.energy import add_energies
from fastpc.engine.jit import kernel
from fastpc.engine.layout import CHANGE, ERROR, PREDICTION, STATE
from fastpc.engine.tile import area, set_feed_forward_errors


class FixedPredictions(NamedTuple):
    """How long the errors relax; gamma is the state step."""

    steps: Any


@kernel
def relax_fixed(model, settings, step_size, order, first, count, tile, work, energies, trace):
    """Relax the errors; the states end where these put them, activities stay. See `settle`."""
    last = len(model.layers) - 1
    set_feed_forward_errors(model, tile)
    frontier = last
    for t in range(settings.steps):
        if t < len(trace):
            add_energies(model, tile, count, trace[t])
        # An error moves down one layer a step. Upward, so that every layer sees its neighbour's error before the step.
        frontier = max(1, frontier - 1)
        for l in range(frontier, last):
            carry_down(model, l, CHANGE, tile)
            errors, signals = area(model, l, ERROR, tile), area(model, l, CHANGE, tile)
            for i in range(len(errors)):
                errors[i] += step_size * (signals[i] - errors[i])
    for l in range(1, last):
        states, predictions = area(model, l, STATE, tile), area(model, l, PREDICTION, tile)
        errors = area(model, l, ERROR, tile)
        for i in range(len(states)):
            states[i] = predictions[i] + errors[i]
    add_energies(model, tile, count, energies)
    for t in range(settings.steps, len(trace)):
        add_energies(model, tile, count, trace[t])
    return settings.steps
