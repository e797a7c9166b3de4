"""A tile's energies: of each layer, summed over its samples, with their weights."""

from __future__ import annotations

import math

from fastpc.engine.elementary import exp
from fastpc.engine.jit import kernel
from fastpc.engine.layout import ERROR, PREDICTION, SIZE, STATE
from fastpc.engine.memory import borrow
from fastpc.engine.sample_weights import weighed
from fastpc.engine.tile import CROSS_ENTROPY, area


@kernel
def add_energies(model, tile, count, energies):
    """Add each layer's energy, summed over the tile's first `count` samples, to ``energies[l]``."""
    for l in range(model.lowest, len(model.layers)):
        add_energy(model, l, tile, count, energies)


@kernel
def add_energy(model, l, tile, count, energies):
    """Add one layer's energy, from its errors, to ``energies[l]``."""
    lanes = model.lanes
    if l == len(model.layers) - 1 and model.loss == CROSS_ENTROPY:
        energies[l] += cross_entropy(model, tile, count)
        return
    errors, sums = area(model, l, ERROR, tile), borrow(tile, 0, lanes)
    for lane in range(lanes):
        sums[lane] = 0
    for j in range(model.layers[l, SIZE]):
        row = borrow(errors, j * lanes, lanes)
        for lane in range(lanes):
            sums[lane] += row[lane] * row[lane]
    total = 0.0
    for lane in range(count):
        total += weighed(model.weights, sums[lane], lane, tile)
    # A free input need not have a prior.
    energies[l] += total * 0.5 / model.precisions[l] if model.precisions[l] > 0 else 0.0


@kernel
def cross_entropy(model, tile, count):
    """-sum y log softmax(mu_L), summed over samples, from the outputs themselves: no logarithm of a rounded zero."""
    last = len(model.layers) - 1
    lanes = model.lanes
    targets, outputs = area(model, last, STATE, tile), area(model, last, PREDICTION, tile)
    total = 0.0
    for lane in range(count):
        largest = outputs[lane]
        for i in range(lane, len(outputs), lanes):
            largest = max(largest, outputs[i])
        mass, chosen, weight = 0.0, 0.0, 0.0
        for i in range(lane, len(outputs), lanes):
            logit = outputs[i] - largest
            mass += exp(logit)
            chosen += targets[i] * logit
            weight += targets[i]
        total += weighed(model.weights, weight * math.log(mass) - chosen, lane, tile)
    return total
