"""A session: one network, one rule and one optimiser, bound to the engine and to data.

The trainer drives any object with the methods of `Session`. `EngineSession` serves rules that relax tiles and then
step the weights; a rule of another shape brings a session of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastpc.engine.relax import Relaxation
from fastpc.engine.sharing import make_sharing
from fastpc.engine.train import N_PHASES, Chunk, train_chunk
from fastpc.engine.update import CORRECTION_1, CORRECTION_2, N_RATES, RATE
from fastpc.engine.workspace import Workspace, inputs_of, model_of, optimizer_of, step_size_of
from fastpc.evaluation import Evaluation, evaluate
from fastpc.inference import outputs_of
from fastpc.network import LOSSES
from fastpc.rules.pc import AUTO_FRACTION, STARTS
from fastpc.spectrum import Spectrum

from fastpc.optimizers import SGD

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.rules.pc import PC

# A layer whose mean energy a sample passes this has left any useful range, long before the numbers overflow.
ENERGY_CEILING = 1e12


@dataclass(frozen=True)
class Failure:
    """Where a chunk diverged: the batch within the chunk, from 0, the first layer affected, and what advice fits."""

    batch: int
    layer: int
    cause: str
    advice: str


@dataclass(frozen=True)
class ChunkResult:
    """What the batches of one call measured.

    Attributes
    ----------
    energies : ndarray of float64, shape (batches, L)
        Each layer's energy after relaxation, a mean over the batch.
    correct : ndarray of int64, shape (batches,), or None
        Samples whose feed-forward output, before any label was clamped, was largest at their label; None where
        there is no such pass.
    failure : Failure or None
    """

    energies: NDArray[np.float64]
    correct: NDArray[np.int64] | None
    failure: Failure | None


class Session(Protocol):
    """What the trainer needs of a rule at work."""

    def bind(self, data: Dataset) -> None:
        """Check that `data` fit, and train on them from now on."""

    def compile(self) -> float:
        """Compile, or load, everything the run needs; return the seconds that took."""

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch; `factors` multiply the learning rate of each batch."""

    def evaluate(self, data: Dataset) -> Evaluation:
        """Predict all of `data`, and only then look at the targets."""

    def snapshot(self) -> Any:
        """Return a copy of everything `run` changes."""

    def restore(self, snapshot: Any) -> None:
        """Bring back what `snapshot` copied."""


class EngineSession:
    """The session of rules that relax tiles and then step blocks of weights."""

    def __init__(self, rule: PC, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> None:
        self.rule, self.network, self.optimizer = rule, network, optimizer
        self.threads = threads
        self.layout = layout = network.layout
        self.workspace = Workspace(layout, batch_size, threads)
        number = layout.dtype.type
        precisions = rule.layer_precisions(network.n_layers)
        self._model = model_of(layout, network.parameters, precisions, LOSSES.index(network.loss))
        self._relaxation = Relaxation(
            rule.steps, STARTS.index(rule.start), number(rule.momentum), number(rule.tolerance), network.seed
        )
        self._moments = [layout.empty_parameters() for _ in range(2)]
        self._engine_optimizer = optimizer_of(optimizer, layout, *self._moments)
        self.updates = 0
        kind = "auto" if isinstance(rule.step_size, str) else "capped" if rule.capped else "fixed"
        self._spectrum = Spectrum(network)
        self.state_step = self._spectrum.first_step(rule)
        fixed = 0.0 if isinstance(rule.step_size, str) else rule.step_size
        self._step_size = step_size_of(layout, kind, fixed, AUTO_FRACTION, self._spectrum.vectors)

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on."""
        self.network.check_targets(data)
        labelled = data.n_classes is not None
        self._inputs = inputs_of(
            data.inputs, data.targets, data.scale, data.target_scale, labelled, self.layout.dtype
        )

    def compile(self) -> float:
        """Compile, or load, the kernels that train and evaluate; runs of no samples do it."""
        begin = perf_counter()
        nothing = np.zeros(0, np.int64)
        self.run(nothing, np.zeros(0))
        outputs_of(self.network, self._inputs, nothing, self.threads)
        return perf_counter() - begin

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch."""
        n_batches, n_layers = len(factors), self.network.n_layers
        step_sizes = np.full(n_batches + 1, self.state_step, self.layout.dtype)
        chunk = Chunk(
            order=order,
            batch_size=self.workspace.batch_size,
            step_sizes=step_sizes,
            rates=self._rates(factors),
            energies=np.zeros((n_batches, n_layers + 1)),
            correct=np.zeros(n_batches, np.int64),
            ceiling=ENERGY_CEILING,
            failed=np.zeros(n_layers + 1, np.int64),
        )
        workspace = self.workspace
        train_chunk(
            self.threads, self._model, self._inputs, self._relaxation, self._step_size, self._engine_optimizer,
            workspace.units, workspace.norms, chunk, workspace.batch, workspace.scratch,
            make_sharing(N_PHASES * n_batches),
        )  # fmt: skip
        self.updates += n_batches
        self.state_step = step_sizes[-1]
        return ChunkResult(chunk.energies[:, 1:], chunk.correct, self._failure(chunk))

    def _rates(self, factors: NDArray[np.float64]) -> NDArray[Any]:
        """Return each batch's learning rate and Adam's corrections 1 / (1 - beta^t)."""
        rates = np.ones((len(factors), N_RATES))
        rates[:, RATE] = self.optimizer.learning_rate * factors
        if not isinstance(self.optimizer, SGD):
            t = self.updates + 1 + np.arange(len(factors))
            rates[:, CORRECTION_1] = 1 / (1 - self.optimizer.beta1**t)
            rates[:, CORRECTION_2] = 1 / (1 - self.optimizer.beta2**t)
        return rates.astype(self.layout.dtype)

    def _failure(self, chunk: Chunk) -> Failure | None:
        layers = np.flatnonzero(chunk.failed)
        if not len(layers):
            return None
        layer = int(layers[0])
        batch = int(chunk.failed[layer]) - 1
        energy = chunk.energies[batch, layer]
        finite = np.isfinite(energy)
        cause = f"the energy of layer {layer} reached {energy:.3g}" if finite else f"layer {layer} is no longer finite"
        stable = 2 / Spectrum(self.network).curvature(self.rule.layer_precisions(self.network.n_layers))
        step = float(chunk.step_sizes[batch])
        if step > stable:
            advice = (
                f"the state step {step:.3g} is above the stability limit, about {stable:.3g} for the weights before "
                'this chunk of batches; use step_size="auto", or a smaller one'
            )
        else:
            advice = (
                f"the state step {step:.3g} is within the stability limit {stable:.3g}, so lower the learning rate "
                f"({self.optimizer.learning_rate:g}), set clip_norm, or check the data's scale"
            )
        return Failure(batch, layer, cause, advice)

    def evaluate(self, data: Dataset) -> Evaluation:
        """Predict all of `data` by the feed-forward pass, and only then look at the targets."""
        return evaluate(self.network, data, threads=self.threads)

    def snapshot(self) -> tuple[Any, ...]:
        """Return a copy of parameters, optimiser memory, update count and step size."""
        arrays = (self.network.parameters, *self._moments, self._spectrum.vectors)
        return tuple(array.copy() for array in arrays), self.updates, self.state_step

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Bring back what `snapshot` copied."""
        copies, self.updates, self.state_step = snapshot
        arrays = (self.network.parameters, *self._moments, self._spectrum.vectors)
        for array, copy in zip(arrays, copies, strict=True):
            array[:] = copy
