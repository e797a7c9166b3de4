"""The step size that looks after itself: a bound on the relaxation's curvature, from running spectral norms.

Without momentum, and but for f'' terms, the curvature of F in the states is at most

    lambda = pi_max (1 + s)^2,   s = max over l >= 2 of a_l Lip(f_{l-1}) ||W_l||_2, plus 1 where a skip leads to layer l

(over l >= 1 where layer 0 is free).

(DESIGN: the Hessian is M^T Pi M with M = I - J, and ||J|| <= s). Plain steps are stable below 2 / lambda. The norms
come from one step of the power iteration a batch, warm-started: the weights change little, so it never falls behind.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastpc.engine.jit import kernel
from fastpc.engine.layout import ACTIVATION, SIZE, SKIP, WEIGHTS
from fastpc.engine.memory import borrow

FIXED, AUTO, CAPPED = range(3)


class StepSize(NamedTuple):
    """How the state step is found; numbers are of the network's dtype."""

    kind: Any  # FIXED, AUTO, or CAPPED: fixed, but never above the automatic one
    value: Any  # the fixed step
    fraction: Any  # the automatic step times lambda
    vectors: Any  # (sum of n_l,) running right singular vectors of W_l, all layers in a row
    lipschitz: Any  # (activation codes,) largest slopes
    work: Any  # (largest n_l,)


@kernel
def power_step(parameters, weights, n_in, n_out, vector, image):
    """Replace `vector` by W^T W vector, normalised, and return its length before: an estimate of ||W||_2^2.

    One pass over W: each row is read once for its product and once, still in cache, for its contribution.
    """
    for j in range(n_out):
        image[j] = 0
    for i in range(n_in):
        row = borrow(parameters, weights + i * n_out, n_out)
        product = parameters.dtype.type(0)
        for j in range(n_out):
            product += row[j] * vector[j]
        for j in range(n_out):
            image[j] += product * row[j]
    square = parameters.dtype.type(0)
    for j in range(n_out):
        square += image[j] * image[j]
    length = np.sqrt(square)
    if length > 0:
        for j in range(n_out):
            vector[j] = image[j] / length
    return length


@kernel
def next_step_size(model, step_size):
    """Return the state step for the weights as they are now."""
    layers = model.layers
    largest = step_size.value - step_size.value
    precision = model.precisions[model.lowest]
    offset = 0
    for l in range(1, len(layers)):
        n_out = layers[l, SIZE]
        precision = max(precision, model.precisions[l])
        if l > model.lowest:
            vector = borrow(step_size.vectors, offset, n_out)
            squared = power_step(
                model.parameters, layers[l, WEIGHTS], layers[l - 1, SIZE], n_out, vector, step_size.work
            )
            gain = model.scales[l] * step_size.lipschitz[layers[l - 1, ACTIVATION]] * np.sqrt(squared)
            largest = max(largest, gain + 1 if layers[l, SKIP] != 0 else gain)
        offset += n_out
    reach = 1 + largest
    automatic = step_size.fraction / (precision * reach * reach)
    if step_size.kind == AUTO:
        return automatic
    return min(automatic, step_size.value)
