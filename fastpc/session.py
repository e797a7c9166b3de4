"""A session: one network, one rule and one optimiser, bound to the engine and to data.

The trainer drives any object with the methods of `Session`. `EngineSession` serves rules that relax tiles and then
step the weights; a rule of another shape brings a session of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastpc.divergence import (
    Failure,
    Symptoms,
    advice_on,
    energy_ceiling,
    find_failure,
    largest_entering,
)
from fastpc.engine.gram import gram_pays
from fastpc.engine.packed import packing_pays
from fastpc.engine.sharing import make_sharing
from fastpc.engine.train import N_PHASES, Chunk, train_chunk
from fastpc.engine.update import CORRECTION_1, CORRECTION_2, N_RATES, NUDGE, RATE
from fastpc.engine.workspace import Workspace, inputs_of, model_of, optimizer_of, step_size_of
from fastpc.errors import ConfigurationError
from fastpc.evaluation import Evaluation, evaluate
from fastpc.inference import outputs_of
from fastpc.network import LOSSES
from fastpc.optimizers import SGD
from fastpc.spectrum import AUTO_FRACTION, Spectrum, first_step

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.rules.engine_rule import EngineRule


@dataclass(frozen=True)
class ChunkResult:
    """What the batches of one call measured.

    Attributes
    ----------
    energies : ndarray of float64, shape (batches, L)
        Each layer's energy after relaxation, a mean over the batch (of samples times their weights, if they have any).
    correct : ndarray of int64, shape (batches,), or None
        Samples whose feed-forward output, before any label was clamped, was largest at their label; None where
        there is no such pass.
    failure : Failure or None
    """

    energies: NDArray[np.float64]
    correct: NDArray[np.int64] | None
    failure: Failure | None


class Session(Protocol):
    """What the trainer needs of a rule at work.

    `threads`, how many to run on, may change between calls and changes no result. `epoch` says how many epochs are
    behind the batches to come; the trainer sets it.
    """

    threads: int
    epoch: int

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` fit."""

    def bind(self, data: Dataset) -> None:
        """Check that `data` fit, and train on them from now on."""

    def compile(self) -> float:
        """Compile, or load, everything the run needs; return the seconds that took."""

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch; `factors` multiply the learning rate of each batch."""

    def advice(self, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64]) -> str:
        """Return what to try after a failure of `run`, once the state from before it is restored."""

    def evaluate(self, data: Dataset) -> Evaluation:
        """Predict all of `data`, and only then look at the targets."""

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything `run` changes and later batches depend on, by name: what a checkpoint keeps."""

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Bring back what `snapshot` copied, in this session or in another like it that is bound to the same data."""


class Adviser(Protocol):
    """What advice needs to know of a session, or of one within."""

    network: Any
    data: Dataset
    batch_size: int

    @property
    def learns_from_the_first(self) -> bool:
        """Whether weights have moved before the next batch's energies are measured."""

    @property
    def remedy(self) -> str:
        """What to try where nothing else is to blame."""

    def stability_limit(self) -> float:
        """Return about the largest state step that is stable for the weights as they are."""


class EngineSession:
    """The session of rules that relax tiles and then step blocks of weights."""

    def __init__(
        self, rule: EngineRule, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int
    ) -> None:
        self.rule, self.network, self.optimizer = rule, network, optimizer
        self.batch_size = batch_size
        self.threads = self._most_threads = threads
        self.workspace: Workspace
        self._workspace_size = 0
        self.epoch = 0
        self.layout = layout = network.layout
        _check_precision(rule, optimizer, layout.dtype)
        precisions = rule.layer_precisions(network.n_layers)
        loss = LOSSES.index(network.loss)
        with_gram = rule.with_gram and gram_pays(network.sizes, rule.steps, batch_size, loss)
        with_packed = rule.weights_wait and packing_pays(network.sizes)
        self._model = model_of(layout, network.parameters, precisions, loss, with_gram, rule.prior, with_packed)
        self._relaxation = rule.relaxation(layout.dtype.type, network.seed)
        self._moments = [layout.empty_parameters() for _ in range(2)]
        self._engine_optimizer = optimizer_of(optimizer, layout, *self._moments)
        self.updates = 0
        self._updates_per_batch = 1
        self._vectors = np.zeros(sum(network.sizes[1:]), layout.dtype)
        kind = "fixed" if not rule.follows_weights else "auto" if isinstance(rule.step_size, str) else "capped"
        fixed = 0.0 if isinstance(rule.step_size, str) else rule.step_size
        self._step_size = step_size_of(layout, kind, fixed, AUTO_FRACTION, self._vectors)
        self.state_step = fixed

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` fit."""
        self.network.check_targets(data)

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on, with state steps that fit the weights as they are now."""
        self.check(data)
        self.data, labelled = data, data.n_classes is not None
        self.ceiling = energy_ceiling(data, float(self._model.precisions[-1]))
        weights = data.mean_one_weights()
        self._inputs = inputs_of(
            data.inputs, data.targets, data.scale, data.target_scale, labelled, self.layout.dtype, weights
        )
        self._model = self._model._replace(weights=None if weights is None else self.layout.sample_weights)
        size = self._samples_at_once(data)
        if size != self._workspace_size:  # new buffers cost the time of a few batches
            self.workspace = Workspace(self.layout, size, self._most_threads)
            self._workspace_size = size
        self.workspace.take(self._inputs)
        if self.rule.follows_weights:
            spectrum = Spectrum(self.network)
            self._vectors[:] = spectrum.vectors
            self.state_step = first_step(self.network, self.rule, spectrum, self.rule.prior)

    def _samples_at_once(self, data: Dataset) -> int:
        """Return how many samples of a batch the buffers must have room for."""
        return min(self.batch_size, len(data))

    def compile(self) -> float:
        """Compile, or load, the kernels that train and evaluate; runs of no samples do it."""
        begin = perf_counter()
        nothing = np.zeros(0, np.int64)
        self.run(nothing, np.zeros(0))
        outputs_of(self.network, self._inputs, nothing, self.threads)
        return perf_counter() - begin

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch."""
        chunk = self._chunk(order, factors)
        workspace = self.workspace
        train_chunk(
            self.threads, self._model, self._inputs, self._relaxation, self._step_size, self._engine_optimizer,
            workspace.units, workspace.norms, chunk, workspace.batch, workspace.scratch,
            make_sharing(N_PHASES * len(factors), self.threads),
        )  # fmt: skip
        return self._result(chunk)

    def _chunk(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> Chunk:
        """Return the batches of one call as kernels take them."""
        n_batches, n_rows, n_updates = len(factors), len(self.layout.sizes), len(factors) * self._updates_per_batch
        return Chunk(
            order=order,
            batch_size=self.batch_size,
            step_sizes=np.full(n_updates + 1, self.state_step, self.layout.dtype),
            rates=self._rates(factors),
            energies=np.zeros((n_batches, n_rows)),
            correct=np.zeros(n_batches, np.int64),
            ceiling=self.ceiling,
            failed=np.zeros((2, n_rows), np.int64),
        )

    def _result(self, chunk: Chunk) -> ChunkResult:
        """Count the updates of the weights, and return what was measured."""
        self.updates += len(chunk.rates)
        self.state_step = float(chunk.step_sizes[-1])
        return ChunkResult(chunk.energies[:, 1:], chunk.correct, find_failure(chunk))

    def _rates(self, factors: NDArray[np.float64]) -> NDArray[Any]:
        """Return each update's learning rate, Adam's corrections 1 / (1 - beta^t), and the beta of its nudge."""
        per_batch = self._updates_per_batch
        rates = np.ones((len(factors) * per_batch, N_RATES))
        rates[:, RATE] = self.optimizer.learning_rate * np.repeat(factors, per_batch)
        if self.rule.nudge is not None:
            betas = self.rule.nudge.betas(self.epoch, self.updates // per_batch, len(factors))
            rates[:, NUDGE] = np.repeat(betas, per_batch)
        if not isinstance(self.optimizer, SGD):
            t = self.updates + 1 + np.arange(len(rates))
            rates[:, CORRECTION_1] = 1 / (1 - self.optimizer.beta1**t)
            rates[:, CORRECTION_2] = 1 / (1 - self.optimizer.beta2**t)
        return rates.astype(self.layout.dtype)

    def advice(self, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64]) -> str:
        """Return what to try, by what is seen of the weights and the data."""
        return advice_after(self, failure, order, factors, self)

    @property
    def learns_from_the_first(self) -> bool:
        """Whether weights have moved before the next batch's energies are measured."""
        return self.updates > 0 or self._updates_per_batch > 1

    @property
    def remedy(self) -> str:
        """What to try where nothing else is to blame."""
        return f"so lower the learning rate ({self.optimizer.learning_rate:g}), or set clip_norm"

    def stability_limit(self) -> float:
        """Return about the largest state step that is stable for the weights as they are."""
        return self.rule.stability_limit(Spectrum(self.network), self.rule.prior)

    def evaluate(self, data: Dataset) -> Evaluation:
        """Predict all of `data` by the feed-forward pass, and only then look at the targets."""
        return evaluate(self.network, data, threads=self.threads)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `run` changes: parameters, optimiser memory and power vectors."""
        moments = self._moments[: self.optimizer.n_slots]
        return {
            "parameters": self.network.parameters,
            **{f"moment.{i}": moment for i, moment in enumerate(moments, 1)},
            "vectors": self._vectors,
        }

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the arrays that `run` changes, with the update count and the step size."""
        numbers = {"updates": np.array(self.updates, np.int64), "state_step": np.array(self.state_step, np.float64)}
        return {name: array.copy() for name, array in self._arrays().items()} | numbers

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Bring back what `snapshot` copied."""
        for name, array in self._arrays().items():
            array[:] = snapshot[name]
        self.updates, self.state_step = int(snapshot["updates"]), float(snapshot["state_step"])


def advice_after(
    session: Session, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64], owner: Adviser
) -> str:
    """Return what to try after a failure; the batches before it are run again, to see what it found.

    `session` is as before its chunk, and is left so; `owner` is it or a session within.
    """
    limit, largest_weight = owner.stability_limit(), float(np.abs(owner.network.parameters).max())
    learned = owner.learns_from_the_first or failure.batch > 0 or failure.weights
    snapshot = session.snapshot()
    try:
        session.run(order[: failure.batch * owner.batch_size], factors[: failure.batch])
        limit_then = owner.stability_limit()
    finally:
        session.restore(snapshot)
    remedy = owner.remedy if learned else None
    return advice_on(
        Symptoms(failure.state_step, limit, limit_then, largest_entering(owner.data), largest_weight, remedy)
    )


def _check_precision(rule: EngineRule, optimizer: Optimizer, dtype: np.dtype[Any]) -> None:
    """Raise unless the settings' small numbers are still there in the network's dtype, and those below 1 still are."""
    settings = {name: getattr(optimizer, name, None) for name in ("clip_norm", "epsilon", "learning_rate")}
    settings |= {name: value for name, value in vars(rule).items() if isinstance(value, Real)}
    if rule.nudge is not None:
        settings["beta of the nudge"] = rule.nudge.beta
    settings |= {f"precision of layer {l}": precision for l, precision in enumerate(rule.precisions or (), 1)}
    for name, value in settings.items():
        if value and not 0 < abs(dtype.type(value)) < np.inf:
            raise ConfigurationError(
                f"expected {name} to be a positive number in {dtype.name} too, got {value:g}, which is "
                f"{dtype.type(value):g} there; use another one, or float64"
            )
    below_one = {name: getattr(optimizer, name, 0.0) for name in ("beta1", "beta2", "momentum")}
    below_one["momentum of the states"] = getattr(rule, "momentum", 0.0)
    for name, value in below_one.items():
        if not dtype.type(value) < 1:
            raise ConfigurationError(
                f"expected {name} to be below 1 in {dtype.name} too, got {value!r}, which is 1 there; "
                "use a smaller one, or float64"
            )
