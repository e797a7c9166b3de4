"""The engine's kernels one by one, each called many times from compiled code: a call from Python would cost more.

All work on one tile, or one batch, of a network between two layers of 256, as in workload B.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from benchmarks.mnist import Mnist
from fastpc import PC, Adam, PCNetwork, as_dataset
from fastpc.engine.activations import activate
from fastpc.engine.first import join_sections, sum_inputs
from fastpc.engine.layout import ACTIVITY, SLOPE, STATE
from fastpc.engine.relax import Relaxation, relax
from fastpc.engine.tile import feed_forward, predict, set_targets, store_tile
from fastpc.engine.update import N_RATES, unit_gradient, unit_step
from fastpc.engine.workspace import Workspace

SIZES = (784, 256, 256, 10)
BATCH_SIZE = 256
STEPS = 20
STEP_SIZE = 0.05


@dataclass(frozen=True)
class Bench:
    """A network, a batch of images, and the buffers of one thread."""

    model: Any
    inputs: Any
    order: Any
    workspace: Workspace
    optimizer: Any
    rates: Any
    relaxation: Relaxation

    @property
    def lanes(self) -> int:
        """Samples of a tile."""
        return int(self.model.lanes)


def make(data: Mnist) -> Bench:
    """Build everything as a session does, and leave a whole batch's errors and activities in its buffers."""
    session = PC(steps=STEPS, step_size=STEP_SIZE).session(PCNetwork(SIZES), Adam(), BATCH_SIZE, 1)
    images = np.ascontiguousarray(data.images[:BATCH_SIZE])
    session.bind(as_dataset(images, data.labels[:BATCH_SIZE], n_classes=10))
    parts: Any = session  # what it hands to the engine is nobody's business but ours
    bench = Bench(
        model=parts._model,
        inputs=parts._inputs,
        order=np.arange(BATCH_SIZE, dtype=np.int64),
        workspace=parts.workspace,
        optimizer=parts._engine_optimizer,
        rates=np.full(N_RATES, 1e-6, np.float32),
        relaxation=parts._relaxation,
    )
    start_batch(bench.model, bench.inputs, bench.order, bench.workspace.batch, bench.workspace.scratch)
    return bench


@numba.njit  # type: ignore[untyped-decorator]
def start_batch(model: Any, inputs: Any, order: Any, batch: Any, scratch: Any) -> None:
    """Feed the whole batch forward, tile after tile."""
    tile, work = scratch.tiles[0], scratch.work[0]
    for first in range(0, len(order), model.lanes):
        sum_inputs(model, inputs, order, first, model.lanes, first // model.lanes, batch)
        join_sections(model, model.lanes, first // model.lanes, tile, batch, work)
        feed_forward(model, tile)
        set_targets(model, inputs, order, first, model.lanes, tile)
        store_tile(model, first, model.lanes, tile, batch, work)


@numba.njit  # type: ignore[untyped-decorator]
def input_products(n: int, model: Any, inputs: Any, order: Any, batch: Any, scratch: Any) -> None:
    """mu_1 of the first tile: rows of W_1 under pixels that are not zero, loading the pixels included."""
    for _ in range(n):
        sum_inputs(model, inputs, order, 0, model.lanes, 0, batch)
        join_sections(model, model.lanes, 0, scratch.tiles[0], batch, scratch.work[0])


@numba.njit  # type: ignore[untyped-decorator]
def products(n: int, l: int, model: Any, scratch: Any) -> None:
    """mu_l of a tile, a dense product."""
    for _ in range(n):
        predict(model, l, scratch.tiles[0])


@numba.njit  # type: ignore[untyped-decorator]
def activations(n: int, code: int, l: int, size: int, model: Any, scratch: Any) -> None:
    """Activate a tile's layer."""
    row = model.layers[l]
    for _ in range(n):
        activate(code, scratch.tiles[0], row[STATE], row[ACTIVITY], row[SLOPE], size * model.lanes)


@numba.njit  # type: ignore[untyped-decorator]
def relaxations(n: int, step_size: Any, relaxation: Any, model: Any, inputs: Any, order: Any, scratch: Any) -> None:
    """All steps of the tile that lies in the buffers."""
    tile, work = scratch.tiles[0], scratch.work[0]
    trace = np.empty((0, 1))
    for _ in range(n):
        feed_forward(model, tile)
        relax(model, relaxation, step_size, order, 0, model.lanes, tile, work, trace)


@numba.njit  # type: ignore[untyped-decorator]
def gradients(n: int, u: int, model: Any, units: Any, n_samples: int, batch: Any, scratch: Any) -> None:
    """Sum a unit of weights' gradient over the batch."""
    for _ in range(n):
        unit_gradient(model, units[u], n_samples, batch, scratch.gradients[0])


@numba.njit  # type: ignore[untyped-decorator]
def optimizer_steps(
    n: int, u: int, stride: int, scale: Any, optimizer: Any, rates: Any, model: Any, units: Any, scratch: Any
) -> None:
    """Adam's step of a unit."""
    for _ in range(n):
        unit_step(model, optimizer, rates, scale, units[u], scratch.gradients[0], stride)
