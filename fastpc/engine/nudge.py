"""Nudging: the output is clamped somewhere between what the feed-forward pass predicts and the target.

With p = mu_L of that pass, or its softmax for cross-entropy, the target becomes

    t = p + beta (y - p)

and the gradient is divided by beta, which for beta < 0 flips its sign.
Sources: Scellier & Bengio 2017; Pinchetti et al. 2024.
"""

from __future__ import annotations

from fastpc.engine.jit import kernel
from fastpc.engine.layout import ERROR, STATE
from fastpc.engine.tile import area, set_output_errors


@kernel
def nudge_targets(model, beta, tile):
    """Move the targets to p + beta (y - p), the prediction being the feed-forward pass's; 1 leaves every bit."""
    if beta == 1:
        return
    set_output_errors(model, tile)
    last = len(model.layers) - 1
    targets, errors = area(model, last, STATE, tile), area(model, last, ERROR, tile)
    # The errors are pi_L (y - p).
    rest = (model.precisions.dtype.type(1) - beta) / model.precisions[last]
    for i in range(len(targets)):
        targets[i] -= rest * errors[i]
