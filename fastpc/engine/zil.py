"""Z-IL: plain relaxation whose weights learn on the way, each layer in the step its error first arrives.

From the feed-forward pass, with gamma = 1 and pi = 1, the output's error reaches layer l at step t = L - l. There
W_l takes its error, which is then backpropagation's signal, with the activity below, which has not moved yet. All
states from that layer up go on moving, as in any relaxation.

Source: Song, Lukasiewicz, Xu & Bogacz 2020.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastpc.engine.energy import add_energies
from fastpc.engine.jit import kernel
from fastpc.engine.layout import ACTIVITY, ERROR, PULL, VELOCITY
from fastpc.engine.relax import carry, move
from fastpc.engine.tile import area, set_feed_forward_errors

# What the weights took on the way waits here for the schedule's end.
TAKEN_ERROR, TAKEN_ACTIVITY = PULL, VELOCITY


class Schedule(NamedTuple):
    """Z-IL's schedule, L - 1 steps long."""

    gamma: Any  # the state step, 1


@kernel
def run_schedule(model, settings, step_size, order, first, count, tile, work, energies, trace):
    """Run the schedule; what each layer's weights took lies where they look for it afterwards. See `settle`."""
    last = len(model.layers) - 1
    set_feed_forward_errors(model, tile)
    for t in range(last - 1):
        if t < len(trace):
            add_energies(model, tile, count, trace[t])
        take(model, last - t, tile)
        step(model, settings.gamma, last - t - 1, tile)
    take(model, 1, tile)
    add_energies(model, tile, count, energies)
    for t in range(last - 1, len(trace)):
        add_energies(model, tile, count, trace[t])
    for l in range(1, last + 1):
        copy_area(model, l, TAKEN_ERROR, ERROR, tile)
        if l < last:
            copy_area(model, l, TAKEN_ACTIVITY, ACTIVITY, tile)
    return last - 1


@kernel
def take(model, l, tile):
    """Take layer l's error and the activity below it, for W_l."""
    copy_area(model, l, ERROR, TAKEN_ERROR, tile)
    if l > 1:
        copy_area(model, l - 1, ACTIVITY, TAKEN_ACTIVITY, tile)


@kernel
def copy_area(model, l, column, other, tile):
    """Copy one of layer l's areas to another."""
    numbers, copies = area(model, l, column, tile), area(model, l, other, tile)
    for i in range(len(numbers)):
        copies[i] = numbers[i]


@kernel
def step(model, gamma, frontier, tile):
    """One step of plain relaxation, of all layers from the frontier up at once; activities are only taken unmoved."""
    for l in range(frontier, len(model.layers) - 1):
        move(model, gamma - gamma, gamma, l, tile)
    carry(model, frontier, True, tile)
