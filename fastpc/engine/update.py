"""One block of weights: its gradient from the batch's errors and activities, and the optimiser's step.

A *unit of work* is a range of rows of one weight matrix (its bias row included): row (layer, first row, end row) of
the table `work_units` makes. Each unit sums over the whole batch in the samples' order, so results depend neither on
who computes a unit nor on how many threads there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.inputs import mask_stride, n_sections, section_of
from fastpc.engine.jit import exact_kernel, kernel
from fastpc.engine.layout import (
    ACTIVITY_STRIDE,
    BATCH_ACTIVITY,
    BATCH_ERROR,
    ERROR_STRIDE,
    SIZE,
    WEIGHTS,
)
from fastpc.engine.llvm import ROWS, WORD
from fastpc.engine.memory import borrow
from fastpc.engine.products import accumulate_rows, multiply_band, strip_width
from fastpc.engine.scalar import per_type, reciprocal, root
from fastpc.engine.vector import TURNED, turn_bits

_zero, _one = per_type(0.0, 0.0), per_type(1.0, 1.0)
# A running mean that decays never quite reaches 0: rounding holds it among the subnormals, where arithmetic is slow.
# Comparisons below are written so that a NaN stays.
_tiny = per_type(1e-36, 1e-300)
_huge = per_type(1e38, 1e300)

INPUT_ROWS = TURNED  # of a unit of the first layer's weights; divides WORD
_LEAST_WEIGHTS = 2048  # of a unit, or taking it costs more than its work
SGD, ADAM = range(2)
(
    RATE,  # the learning rate
    CORRECTION_1,  # Adam's 1 / (1 - beta_1^t)
    CORRECTION_2,
    NUDGE,  # beta of the targets, by which the gradient is divided; 1: the targets themselves
    N_RATES,
) = range(5)


class Optimizer(NamedTuple):
    """An optimiser as kernels see it; numbers are of the network's dtype, `first` and `second` its flat memory."""

    kind: Any
    first: Any  # SGD's velocity, Adam's first moment; empty if unused
    second: Any  # Adam's second moment; empty if unused
    momentum: Any  # SGD's momentum, Adam's beta_1
    beta_2: Any
    epsilon: Any
    weight_decay: Any
    decoupled: Any  # AdamW: decay the weights themselves, not the gradient
    clip_norm: Any  # largest norm of the whole gradient; 0: no limit


def work_units(sizes: Sequence[int], layers: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Divide the weights of `layers`, or of all, into units of near-equal work: rows (layer, first row, end row)."""
    units = []
    # The first layer last: its units then divide among threads as its sections do.
    for l in sorted(range(1, len(sizes)) if layers is None else layers, key=lambda l: l == 1):
        n_rows = sizes[l - 1] + 1
        starts = list(range(0, n_rows, INPUT_ROWS)) if l == 1 else _even_starts(n_rows, sizes[l])
        units += [(l, first, end) for first, end in pairwise([*starts, n_rows])]
    return np.array(units, np.int64)


def _even_starts(n_rows: int, n_out: int) -> list[int]:
    """Start units of at most two register blocks, as even as can be: few are shared by threads, so one counts."""
    most = max(2 * ROWS, _LEAST_WEIGHTS // n_out)
    n_units = -(-n_rows // most)
    return [n_rows * unit // n_units for unit in range(n_units)]


@kernel
def unit_gradient(model, unit, n_samples, batch, gradient):
    """Write sum over samples of a_l f(x_{l-1})^T (pi_l e_l) for a unit's rows to `gradient`; return its row stride."""
    if unit[0] == 1 and model.lowest == 1:
        stride = _input_gradient(model, unit, n_samples, batch, gradient)
    else:
        stride = dense_gradient(model, unit, n_samples, batch, gradient)
    scale = model.scales[unit[0]]
    if scale != 1:
        for i in range((unit[2] - unit[1]) * stride):
            gradient[i] *= scale
    return stride


@kernel
def no_gradient(model, unit, gradient):
    """Write zeros for a unit's rows, as `unit_gradient` would where no error has arrived yet."""
    stride = row_stride(model.layers[unit[0], SIZE], model.lanes)
    for i in range((unit[2] - unit[1]) * stride):
        gradient[i] = 0
    return stride


@kernel
def row_stride(n_out, lanes):
    """Return how far apart the rows of a unit's gradient lie: whole lane groups."""
    return (n_out + lanes - 1) // lanes * lanes


@kernel
def dense_gradient(model, unit, n_samples, batch, gradient):
    """The gradient of a unit's rows as one product; return the row stride."""
    layers, lanes = model.layers, model.lanes
    l, first, end = unit[0], unit[1], unit[2]
    n_out, stride_e, stride_a = layers[l, SIZE], layers[l, ERROR_STRIDE], layers[l - 1, ACTIVITY_STRIDE]
    stride = row_stride(n_out, lanes)
    activities = layers[l - 1, BATCH_ACTIVITY] + first
    n_rows = end - first
    for column in range(0, n_out, lanes):
        multiply_band(
            n_rows, gradient, column, stride, batch.activities, activities, stride_a, 1, batch.errors,
            layers[l, BATCH_ERROR] + column, stride_e, n_samples,
        )  # fmt: skip
    return stride


@kernel
def _input_gradient(model, unit, n_samples, batch, gradient):
    """The first layer's: only samples in which an input is not zero add to its row. Return the row stride.

    The bias' row, where it is here, is the errors' sum.
    """
    layers, lanes = model.layers, model.lanes
    first, end = unit[1], unit[2]
    n_out, stride_e = layers[1, SIZE], layers[1, ERROR_STRIDE]
    rows = section_of(layers[0, SIZE], first // WORD) * (len(batch.rows) // n_sections(layers[0, SIZE]))
    if n_samples == 0:  # of one of several ranks
        return no_gradient(model, unit, gradient)
    stride = row_stride(n_out, lanes)
    turned = _turn_masks(first, n_samples, layers[0, SIZE], batch)
    # Strips of columns outside, so that some samples' errors stay in the nearest cache for all the unit's rows.
    column = 0
    while column < n_out:
        width = strip_width(n_out - column, lanes)
        for sample in range(0, n_samples, WORD):
            present = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(max(0, WORD - (n_samples - sample)))
            errors = layers[1, BATCH_ERROR] + sample * stride_e + column
            places = borrow(batch.rows, rows + sample, WORD)
            for i in range(first, min(end, layers[0, SIZE])):
                mask = batch.turned[turned + sample // WORD * INPUT_ROWS + i - first] & present
                accumulate_rows(
                    gradient, (i - first) * stride + column, sample == 0, mask, batch.inputs, batch.values, i, places,
                    batch.errors, errors, stride_e, width, lanes,
                )  # fmt: skip
        column += width
    if end > layers[0, SIZE]:
        sums = borrow(gradient, (layers[0, SIZE] - first) * stride, n_out)
        for sample in range(n_samples):
            errors_of_sample = borrow(batch.errors, layers[1, BATCH_ERROR] + sample * stride_e, n_out)
            for j in range(n_out):
                sums[j] = errors_of_sample[j] if sample == 0 else sums[j] + errors_of_sample[j]
    return stride


@kernel
def _turn_masks(first, n_samples, n_inputs, batch):
    """Turn the masks of a unit's inputs, one word of samples after the other, once for all strips; return where."""
    stride = mask_stride(batch.masks, n_inputs)
    turned, masks = first * (stride // WORD), first // WORD * stride
    for sample in range(0, n_samples, WORD):
        turn_bits(batch.masks, masks + sample, first % WORD, batch.turned, turned + sample // WORD * INPUT_ROWS)
    return turned


@exact_kernel
def step_rows(optimizer, rates, scale, decay, parameters, p, gradient, g, count):
    """Move ``parameters[p : p + count]`` against ``scale * gradient[g : g + count]``."""
    weights = borrow(parameters, p, count)
    gradients = borrow(gradient, g, count)
    rate = rates[RATE]
    one, zero = _one(rate), _zero(rate)
    l2 = zero if optimizer.decoupled else decay
    shrink = one - rate * decay if optimizer.decoupled else one
    if optimizer.kind == ADAM:
        first = borrow(optimizer.first, p, count)
        second = borrow(optimizer.second, p, count)
        beta_1, beta_2, epsilon = optimizer.momentum, optimizer.beta_2, optimizer.epsilon
        rate_1, correction_2 = rate * rates[CORRECTION_1], rates[CORRECTION_2]
        for i in range(count):
            slope = scale * gradients[i] + l2 * weights[i]
            mean = beta_1 * first[i] + (one - beta_1) * slope
            first[i] = zero if abs(mean) < _tiny(mean) else mean
            square = beta_2 * second[i] + (one - beta_2) * slope * slope
            # Never quite 0, which is no number to take an estimate of; far below any epsilon, all the same.
            square = max(square, _tiny(square))
            second[i] = square
            corrected = square * correction_2
            corrected = min(corrected, _huge(square))
            weights[i] = shrink * weights[i] - rate_1 * first[i] * reciprocal(root(corrected) + epsilon)
    elif optimizer.momentum != 0:
        velocity = borrow(optimizer.first, p, count)
        for i in range(count):
            speed = optimizer.momentum * velocity[i] + scale * gradients[i] + l2 * weights[i]
            velocity[i] = zero if abs(speed) < _tiny(speed) else speed
            weights[i] = shrink * weights[i] - rate * velocity[i]
    else:
        for i in range(count):
            weights[i] = shrink * weights[i] - rate * (scale * gradients[i] + l2 * weights[i])


@kernel
def all_finite(numbers, start, count):
    """Return whether no number is NaN or infinite: 0 times it is then 0."""
    zero = numbers.dtype.type(0)
    total = zero
    stretch = borrow(numbers, start, count)
    for i in range(count):
        total += stretch[i] * zero
    return total == 0


@kernel
def unit_step(model, optimizer, rates, scale, unit, gradient, stride):
    """Take the optimiser's step for a unit; the bias row, if it is here, does not decay. Return whether finite."""
    layers = model.layers
    l, first, end = unit[0], unit[1], unit[2]
    n_out = layers[l, SIZE]
    n_weights = min(end, layers[l - 1, SIZE]) - first
    p = layers[l, WEIGHTS] + first * n_out
    no_decay = _zero(optimizer.weight_decay)
    if stride == n_out:
        step_rows(optimizer, rates, scale, optimizer.weight_decay, model.parameters, p, gradient, 0, n_weights * n_out)
    else:
        for i in range(n_weights):
            step_rows(
                optimizer, rates, scale, optimizer.weight_decay, model.parameters, p + i * n_out, gradient,
                i * stride, n_out,
            )  # fmt: skip
    if n_weights < end - first:
        step_rows(
            optimizer, rates, scale, no_decay, model.parameters, p + n_weights * n_out, gradient,
            n_weights * stride, n_out,
        )  # fmt: skip
    count = (end - first) * n_out
    # A second moment that overflows would hold its weight still for ever, and nothing else would show it.
    if optimizer.kind == ADAM and not all_finite(optimizer.second, p, count):
        return False
    return all_finite(model.parameters, p, count)
