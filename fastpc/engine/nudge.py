"""Nudging: the output is clamped somewhere between what the feed-forward pass predicts and the target.

With p = mu_L of that pass, or its softmax for cross-entropy, the target becomes

    t = p + beta (y - p)

and the gradient is divided by beta, which for beta < 0 flips its sign.
Sources: Scellier & Bengio 2017; Pinchetti et al. 2024.
"""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.layout import ERROR, PREDICTION, STATE
from fastpc.engine.memory import borrow
from fastpc.engine.tile import SQUARED_ERROR, area, softmax_errors


@kernel
def nudge_targets(model, beta, tile):
    """Move the targets to p + beta (y - p), the prediction being the feed-forward pass's; 1 leaves every bit."""
    if beta == 1:
        return
    last = len(model.layers) - 1
    targets, outputs = area(model, last, STATE, tile), area(model, last, PREDICTION, tile)
    differences = area(model, last, ERROR, tile)
    if model.loss == SQUARED_ERROR:
        for i in range(len(targets)):
            differences[i] = targets[i] - outputs[i]
    else:
        softmax_errors(targets, outputs, differences, borrow(tile, 0, 2 * model.lanes), model.lanes)
    for i in range(len(targets)):
        targets[i] = (targets[i] - differences[i]) + beta * differences[i]
