"""Incremental predictive coding at work: the session whose batches step the weights T times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset
from fastpc.engine.incremental import N_PHASES, train_incremental
from fastpc.engine.layout import aligned_zeros
from fastpc.engine.sharing import make_sharing
from fastpc.session import ChunkResult, EngineSession

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.rules import IncrementalPC


class IncrementalSession(EngineSession):
    """The incremental rule at work; see `fastpc.session.Session`."""

    def __init__(
        self, rule: IncrementalPC, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int
    ) -> None:
        super().__init__(rule, network, optimizer, batch_size, threads)
        self._updates_per_batch = rule.steps

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on."""
        super().bind(data)
        layout = self.layout
        n_tiles = -(-self.workspace.batch_size // layout.lanes)
        self._tiles = aligned_zeros((n_tiles, layout.tile_size), layout.dtype)

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch."""
        chunk = self._chunk(order, factors)
        workspace = self.workspace
        train_incremental(
            self.threads, self._model, self._inputs, self._relaxation, self._step_size, self._engine_optimizer,
            workspace.units, workspace.norms, chunk, workspace.batch, self._tiles, workspace.scratch,
            make_sharing(N_PHASES * len(chunk.rates), self.threads),
        )  # fmt: skip
        return self._result(chunk)
