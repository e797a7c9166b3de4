"""Every buffer a run needs, allocated once, and the translation of Python settings into what kernels take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.activations import LIPSCHITZ
from fastpc.engine.gram import gram_shape
from fastpc.engine.inputs import SECTION, Inputs
from fastpc.engine.layout import ERROR_STRIDE, Layout, aligned_zeros
from fastpc.engine.llvm import WORD
from fastpc.engine.step_size import AUTO, CAPPED, FIXED, StepSize
from fastpc.engine.tile import Batch, Model
from fastpc.engine.train import Scratch
from fastpc.engine.update import ADAM, SGD, Optimizer, work_units
from fastpc.errors import DataError

STEP_KINDS = {"fixed": FIXED, "auto": AUTO, "capped": CAPPED}


class Workspace:
    """The buffers of one network for batches of at most `batch_size` samples on `threads` threads.

    `n_inputs` is the width of what samples bring in, where that is not the first layer's.
    """

    def __init__(self, layout: Layout, batch_size: int, threads: int, n_inputs: int | None = None) -> None:
        dtype, lanes = layout.dtype, layout.lanes
        n_inputs = layout.sizes[0] if n_inputs is None else n_inputs
        self.layout = layout
        self.threads = threads
        self.batch_size = batch_size
        n_tiles = -(-batch_size // lanes)
        n_rows = max(n_tiles, threads) * lanes
        n_errors, n_activities = layout.place_batch(n_rows)
        activities = aligned_zeros(n_activities, dtype)
        n_sections = -(-(n_inputs // WORD + 1) // SECTION)
        # A gradient reads whole words of samples.
        n_masks = (n_inputs // WORD + 1) * (-(-n_rows // WORD) * WORD)
        self.batch = Batch(
            masks=aligned_zeros(n_masks, np.uint64),
            turned=aligned_zeros(n_masks, np.uint64),
            inputs=activities,
            rows=aligned_zeros(n_sections * n_rows, np.int64),
            in_place=False,
            room=activities,
            values=np.zeros(0, dtype),
            sums=aligned_zeros(n_sections * n_rows * layout.layers[1, ERROR_STRIDE], dtype),
            errors=aligned_zeros(n_errors, dtype),
            activities=activities,
            energies=np.zeros(n_tiles * len(layout.sizes)),
            correct=np.zeros(n_tiles, np.int64),
            steps=np.zeros(n_tiles, np.int64),
        )
        self.units = work_units(layout.sizes, layout.weighted)
        widths = np.array(layout.sizes)[self.units[:, 0]]
        rows = self.units[:, 2] - self.units[:, 1]
        largest_unit = int(np.max(rows * (-(-widths // lanes) * lanes)))
        self.norms = np.zeros(len(self.units))
        self.scratch = Scratch(
            tiles=aligned_zeros((threads, layout.tile_size), dtype),
            work=np.zeros((threads, 4 * lanes), np.int64),
            # Also holds a strip of a wide output's weights, turned.
            gradients=aligned_zeros((threads, max(largest_unit, layout.sizes[-1] * lanes) + layout.slack), dtype),
        )

    def take(self, inputs: Inputs) -> None:
        """Prepare for a data set: floats stay where they are if they need no scale, and copies of bytes stay bytes."""
        batch, number = self.batch, inputs.scale.dtype
        room, values = batch.activities, np.zeros(0, number)
        as_bytes = inputs.dense.dtype == np.uint8
        in_place = not inputs.is_csr and not as_bytes and bool(inputs.scale == 1)
        if not inputs.is_csr and as_bytes:
            room, values = np.empty(len(room), np.uint8), inputs.scale * np.arange(256, dtype=number)
        read = inputs.dense if in_place else room
        self.batch = batch._replace(inputs=read, in_place=in_place, room=room, values=values)


def model_of(
    layout: Layout,
    parameters: NDArray,
    precisions: Sequence[float],
    loss: int,
    with_gram: bool = False,
    prior: float | None = None,
    with_packed: bool = False,
) -> Model:
    """Return a network as kernels see it; `precisions` are pi_1…pi_L, `prior` is pi_0 where layer 0 is free."""
    # Cross-entropy's error has no precision: y - softmax(mu_L).
    values = np.array([1.0 if prior is None else prior, *precisions], layout.dtype)
    if loss != 0:
        values[-1] = 1
    rows, stride = gram_shape(layout.sizes, layout.lanes) if with_gram else (0, 0)
    gram = aligned_zeros(rows * stride, layout.dtype)
    lowest = 1 if prior is None else 0
    packed = aligned_zeros(layout.n_parameters if with_packed else 0, layout.dtype)
    packed[:] = np.nan  # so that a driver that packs nothing does not go unnoticed: zeros once did
    return Model(parameters, layout.layers, values, loss, layout.lanes, lowest, gram, packed, layout.scales, None)


def inputs_of(
    inputs: Any,
    targets: NDArray | None,
    scale: float,
    target_scale: float,
    has_labels: bool,
    dtype: np.dtype,
    weights: NDArray | None = None,
) -> Inputs:
    """Return a data set as kernels see it: flat dense rows or CSR, with targets, labels or neither."""
    number = np.dtype(dtype).type
    is_csr = not isinstance(inputs, np.ndarray)
    values = _readable(inputs.data if is_csr else inputs, dtype)
    labels, dense_targets = np.zeros(0, np.int64), np.zeros(0, np.dtype(dtype))
    if has_labels and targets is not None:
        labels = targets
    elif targets is not None:
        dense_targets = _readable(targets, dtype).reshape(-1)
    return Inputs(
        dense=np.zeros(0, values.dtype) if is_csr else values.reshape(-1),
        row_starts=inputs.indptr.astype(np.int64) if is_csr else np.zeros(1, np.int64),
        columns=inputs.indices.astype(np.int32, copy=False) if is_csr else np.zeros(0, np.int32),
        values=values if is_csr else np.zeros(0, values.dtype),
        scale=number(scale),
        labels=labels,
        targets=dense_targets,
        target_scale=number(target_scale),
        weights=np.zeros(0, dtype) if weights is None else _readable(weights, dtype),
        is_csr=is_csr,
        has_labels=has_labels,
    )


def _readable(numbers: NDArray, dtype: np.dtype) -> NDArray:
    """Return uint8 as it is and floats in the network's dtype: kernels are compiled for no other pairs."""
    if numbers.dtype == np.uint8:
        return numbers
    with np.errstate(over="ignore"):
        converted = numbers.astype(dtype, copy=False)
    if converted is not numbers and not np.isfinite(converted).all():
        raise DataError(
            f"expected numbers that fit into {np.dtype(dtype).name}, got {np.abs(numbers).max():g}; "
            "scale the data, or use a float64 network"
        )
    return converted


def step_size_of(layout: Layout, kind: str, value: float, fraction: float, vectors: NDArray) -> StepSize:
    """Return how the state step is found; `vectors` (sum of n_l,) are the power iteration's, kept between calls."""
    number = layout.dtype.type
    return StepSize(
        kind=STEP_KINDS[kind],
        value=number(value),
        fraction=number(fraction),
        vectors=vectors,
        lipschitz=np.array(LIPSCHITZ, layout.dtype),
        work=aligned_zeros(max(layout.sizes), layout.dtype),
    )


def optimizer_of(settings: Any, layout: Layout, first: NDArray, second: NDArray) -> Optimizer:
    """Return an optimiser as kernels see it, around its memory."""
    number = layout.dtype.type
    is_sgd = settings.name == "sgd"
    return Optimizer(
        kind=SGD if is_sgd else ADAM,
        first=first,
        second=second,
        momentum=number(settings.momentum if is_sgd else settings.beta1),
        beta_2=number(0 if is_sgd else settings.beta2),
        epsilon=number(0 if is_sgd else settings.epsilon),
        weight_decay=number(settings.weight_decay),
        decoupled=settings.name == "adamw",
        clip_norm=number(settings.clip_norm or 0),
    )
