"""Data-parallel training: every rank relaxes its own samples of a batch, and all take the same step.

The weights' gradient is a sum over samples, so dividing a batch among processes changes nothing but the order in which
it is added up; see `fastpc.engine.distributed` for that order.
"""

from __future__ import annotations

import hashlib
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.distributed import DEPTH, LEAVES, N_STEP_PHASES, step_by_sum, sum_gradient
from fastpc.engine.layout import aligned_zeros
from fastpc.engine.llvm import WORD
from fastpc.engine.sharing import make_sharing
from fastpc.engine.train import ENERGIES, N_PHASES, WEIGHTS_THEMSELVES, Chunk
from fastpc.engine.workspace import inputs_of
from fastpc.errors import ConfigurationError
from fastpc.evaluation import Evaluation
from fastpc.inference import outputs_of
from fastpc.rules import BY_NAME, TileRule
from fastpc.session import ChunkResult, EngineSession

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.ranks import Alone
    from fastpc.rules import Rule


def require_divisible(rule: Rule) -> None:
    """Raise unless a rule's batches can be divided among ranks.

    Raises
    ------
    ConfigurationError
        Unless it settles samples by themselves, by the session that all such rules share.
    """
    if not _is_divisible(type(rule)):
        names = ", ".join(kind.__name__ for kind in BY_NAME.values() if _is_divisible(kind))
        raise ConfigurationError(
            "expected a rule that steps the weights once a batch, from a sum over its samples, with a communicator, "
            f"got {type(rule).__name__}; take one of {names}, or train by {type(rule).__name__} in one process"
        )


def _is_divisible(kind: type) -> bool:
    return issubclass(kind, TileRule) and kind.session is TileRule.session


class DistributedSession(EngineSession):
    """A rule that settles samples by themselves, at work on several ranks; see `fastpc.session.Session`.

    Every rank has all data at hand, and reads only its own samples of each batch.
    """

    def __init__(
        self, rule: TileRule, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int, ranks: Alone
    ) -> None:
        super().__init__(rule, network, optimizer, batch_size, threads)
        self.ranks = ranks
        # So many, that those of 1, 2, 4 and 8 ranks are the same.
        self._n_leaves = 1 << (max(1, LEAVES // ranks.size).bit_length() - 1)
        self._total = self.layout.empty_parameters()
        self.seconds_joining = 0.0

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on, which must be the same on all ranks."""
        super().bind(data)
        largest = self.workspace.scratch.gradients.shape[1]
        rows = aligned_zeros((self._most_threads * DEPTH, largest), self.layout.dtype)
        self._waiting = rows.reshape(self._most_threads, DEPTH, -1)
        self._require_same(data)

    def _samples_at_once(self, data: Dataset) -> int:
        # A leaf may begin anywhere, and whole words of samples are read from there.
        return -(-super()._samples_at_once(data) // self.ranks.size) + WORD

    def _require_same(self, data: Dataset) -> None:
        """Raise unless all ranks begin with the same weights and data of the same shape and targets."""
        told = hashlib.sha256(repr((self.rule, self.optimizer, self.batch_size, data.inputs.shape)).encode())
        told.update(np.ascontiguousarray(self.network.parameters).data)
        told.update(np.ascontiguousarray(data.targets).data)
        if len(set(self.ranks.joined(told.hexdigest()))) > 1:
            raise ConfigurationError(
                "expected the same settings, weights and data on all ranks, got others on some; make them from the "
                "same seed and file everywhere"
            )

    def compile(self) -> float:
        """Compile, or load, the kernels: one rank of a machine first, which leaves them in the cache for the others."""
        begin = perf_counter()
        if self.ranks.first_before_others():
            self._load()
            self.ranks.passed()
        else:
            self._load()
        return perf_counter() - begin

    def _load(self) -> None:
        nothing = np.zeros(0, np.int64)
        chunk = self._chunk(nothing, np.zeros(0))
        self._sum_gradient(chunk, np.zeros(self._n_leaves + 1, np.int64))
        self._step(chunk, 1)
        outputs_of(self.network, self._inputs, nothing, self.threads)

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch: on all ranks, with the same order."""
        chunk, ranks = self._chunk(order, factors), self.ranks
        starts = range(0, len(order), self.batch_size)
        sizes = [min(self.batch_size, len(order) - start) for start in starts]
        shards = [self._leaves(n) for n in sizes]
        # One after the other, so that the engine asks for the next batch's samples while it relaxes this one's.
        own = np.concatenate([order[at + s[0] : at + s[-1]] for at, s in zip(starts, shards, strict=True)])
        begin = 0
        for b, (n, shard) in enumerate(zip(sizes, shards, strict=True)):
            count = int(shard[-1] - shard[0])
            part = chunk._replace(
                order=own[begin:], batch_size=count, step_sizes=chunk.step_sizes[b:], rates=chunk.rates[b:],
                energies=chunk.energies[b:], correct=chunk.correct[b:],
            )  # fmt: skip
            begin += count
            self._sum_gradient(part, shard - shard[0])
            since = perf_counter()
            ranks.sum(self._total)
            self.seconds_joining += perf_counter() - since
            self._step(part, n)
            if chunk.failed.any():  # on all ranks alike, as the weights are
                chunk.failed[WEIGHTS_THEMSELVES] *= b + 1
                break
        self._join_measures(chunk, np.array(sizes))
        return self._result(chunk)

    def _leaves(self, n: int) -> NDArray[np.int64]:
        """Return where the leaves of this rank's samples, of a batch of n, begin, and where the last one ends."""
        n_leaves = self._n_leaves
        leaves = self.ranks.rank * n_leaves + np.arange(n_leaves + 1)
        return n * leaves // (n_leaves * self.ranks.size)

    def _sum_gradient(self, chunk: Chunk, leaves: NDArray[np.int64]) -> None:
        workspace = self.workspace
        sum_gradient(
            self.threads, self._model, self._inputs, self._relaxation, self._step_size, workspace.units, leaves, chunk,
            workspace.batch, workspace.scratch, self._waiting, make_sharing(N_PHASES, self.threads), self._total,
        )  # fmt: skip

    def _step(self, chunk: Chunk, n: int) -> None:
        workspace = self.workspace
        step_by_sum(
            self.threads, self._model, self._engine_optimizer, workspace.units, workspace.norms, n, chunk,
            make_sharing(N_STEP_PHASES, self.threads), self._total,
        )  # fmt: skip

    def _join_measures(self, chunk: Chunk, sizes: NDArray[np.int64]) -> None:
        """Make means over whole batches of what every rank summed, and find the layers whose energy has burst."""
        measures = np.column_stack([chunk.energies, chunk.correct])
        self.ranks.sum(measures)
        chunk.energies[:] = measures[:, :-1] / sizes[:, None]
        chunk.correct[:] = measures[:, -1]
        burst = ~(chunk.energies[:, 1:] <= self.ceiling)
        for layer in np.flatnonzero(burst.any(axis=0)):
            chunk.failed[ENERGIES, 1 + layer] = 1 + np.argmax(burst[:, layer])

    def evaluate(self, data: Dataset) -> Evaluation:
        """Predict all of `data`, every rank its part, and only then look at the targets: on all ranks."""
        self.check(data)
        bounds = len(data) * np.arange(self.ranks.size + 1) // self.ranks.size
        part = np.arange(*bounds[self.ranks.rank : self.ranks.rank + 2], dtype=np.int64)
        inputs = inputs_of(data.inputs, None, data.scale, 1.0, False, self.layout.dtype)
        outputs = outputs_of(self.network, inputs, part, self.threads).astype(np.float64)
        return Evaluation.of(np.concatenate(self.ranks.joined(outputs)), data, self.network.loss)
