"""Hybrid predictive coding at work: two networks in one session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset
from fastpc.divergence import Failure, advice_at_rest, find_failure, largest_entering, require_finite
from fastpc.engine.gram import gram_pays
from fastpc.engine.hybrid import Side, infer_hybrid, train_hybrid
from fastpc.engine.relax import GIVEN
from fastpc.engine.sharing import make_sharing
from fastpc.engine.train import N_PHASES
from fastpc.engine.workspace import Workspace, inputs_of, model_of
from fastpc.errors import ConfigurationError
from fastpc.evaluation import Evaluation
from fastpc.generative import TurnedSession, check_labels, labels_below, latents_below
from fastpc.network import PCNetwork
from fastpc.rules import PC
from fastpc.session import ChunkResult, EngineSession, advice_after
from fastpc.spectrum import first_step

if TYPE_CHECKING:
    from fastpc.optimizers import Optimizer
    from fastpc.rules import Hybrid


def bottom_up(network: PCNetwork) -> PCNetwork:
    """Return an untrained network of the same layers in the other order."""
    return PCNetwork(network.sizes[::-1], network.activations[::-1], "squared_error", network.dtype, network.seed)


class _Half(EngineSession):
    """One of the two networks, its batches run together with the other's."""

    def side(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> Side:
        """Return what kernels take of it for the batches of a call."""
        space = self.workspace
        return Side(
            self._model, self._inputs, self._engine_optimizer, space.units, space.norms, self._chunk(order, factors),
            space.batch, space.scratch, make_sharing(N_PHASES * len(factors), self.threads),
        )  # fmt: skip

    def train(self, other: _Half, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train this generative network and its bottom-up `other`."""
        down, up = self.side(order, factors), other.side(order, factors)
        train_hybrid(self.threads, down, up, self._relaxation, self._step_size)
        result = self._result(down.chunk)
        other._result(up.chunk)
        failure = result.failure or find_failure(up.chunk, owner="the encoder's ")
        return ChunkResult(result.energies, result.correct, failure)


class HybridSession(TurnedSession):
    """The hybrid rule at work; see `fastpc.session.Session`."""

    inner: _Half

    def __init__(self, rule: Hybrid, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> None:
        self.encoder = encoder = bottom_up(network) if rule.encoder is None else rule.encoder
        if encoder.sizes != network.sizes[::-1] or encoder.dtype != network.dtype or encoder.loss != "squared_error":
            raise ConfigurationError(
                f"expected an encoder of sizes {network.sizes[::-1]}, squared error and {network.dtype}, "
                f"got {encoder!r}; make one with fastpc.hybrid.bottom_up"
            )
        super().__init__(network, _Half(rule, network, optimizer, batch_size, threads))
        self.rule = rule
        self._up = _Half(PC(steps=0), encoder, optimizer, batch_size, threads)

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` fit."""
        super().check(data)
        if self.rule.prior is None:
            check_labels(data, self.network.sizes[0])

    def turn(self, data: Dataset) -> Dataset:
        """Return labels or latents as inputs, images as targets."""
        below = latents_below if self.rule.prior is not None else labels_below
        return below(data, self.network.sizes[0])

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on."""
        super().bind(data)
        if self.rule.prior is not None:
            # Its targets are the relaxed latents, which the tiles bring.
            data = Dataset(data.inputs, np.zeros((len(data), self.network.sizes[0])), scale=data.scale)
        self._up.bind(data)
        # Its hidden targets are the other's states, which the images' size decides.
        self._up.ceiling = self.inner.ceiling

    def compile(self) -> float:
        """Compile, or load, the kernel that trains."""
        begin = perf_counter()
        self.run(np.zeros(0, np.int64), np.zeros(0))
        return perf_counter() - begin

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`; what is counted as correct is the guess, before it was learned."""
        self._up.threads, self._up.epoch = self.threads, self.epoch
        result = self.inner.train(self._up, order, factors)
        return result if self.rule.prior is None else replace(result, correct=None)

    def advice(self, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64]) -> str:
        """Return what to try, by what is seen of the generative network."""
        return advice_after(self, failure, order, factors, self.inner)

    def infer(self, data: Dataset) -> NDArray[Any]:
        """Return x_0 of all images of `data`, relaxed from the guess; no label is looked at."""
        rule, network, threads = self.rule.recognition, self.network, self.threads
        assert rule is not None  # the rule made one
        n, prior, number = len(data), self.rule.prior or 0.0, np.dtype(network.dtype).type
        precisions = rule.layer_precisions(network.n_layers)
        with_gram = gram_pays(network.sizes, rule.steps, n, 0)
        images = latents_below(data, network.sizes[0])
        alone = Dataset(data.inputs, np.zeros((n, network.sizes[0])), scale=data.scale)
        down = _standing(network, images, threads, precisions, with_gram, prior)
        up = _standing(self.encoder, alone, threads, (1.0,) * network.n_layers)
        found = np.empty((n, network.sizes[0]), network.dtype)
        settings: Any = rule.relaxation(number, network.seed)
        relaxation = settings._replace(start=GIVEN)
        step = number(first_step(network, rule, prior=prior))
        infer_hybrid(threads, down, up, relaxation, step, np.arange(n, dtype=np.int64), found)
        advise = advice_at_rest(self.network.parameters, lambda: largest_entering(images))
        require_finite(found, "what was inferred is not finite", advise, [0] * found.shape[1])
        return found

    def evaluate(self, data: Dataset) -> Evaluation:
        """Recognise, or reconstruct, from the images alone, and only then look at the labels."""
        self.check(data)
        found = self.infer(data)
        if self.rule.prior is None:
            return Evaluation.of(found.astype(np.float64), data, "squared_error")
        images = self.network.forward(found, threads=self.threads).astype(np.float64)
        return Evaluation.of(images, self.turn(data), "squared_error")

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything `run` changes, in both networks."""
        return self.inner.snapshot() | {f"encoder.{name}": copy for name, copy in self._up.snapshot().items()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Bring back what `snapshot` copied."""
        self.inner.restore(snapshot)
        self._up.restore({name.removeprefix("encoder."): copy for name, copy in snapshot.items() if "encoder." in name})


def _standing(
    network: PCNetwork,
    data: Dataset,
    threads: int,
    precisions: tuple[float, ...],
    with_gram: bool = False,
    prior: float | None = None,
) -> Side:
    """Return a network that does not learn, as kernels take it, a tile for every thread."""
    layout = network.layout
    model = model_of(layout, network.parameters, precisions, 0, with_gram, prior)
    space = Workspace(layout, layout.lanes, threads)
    inputs = inputs_of(data.inputs, data.targets, data.scale, data.target_scale, False, layout.dtype)
    sharing = make_sharing(2, threads)
    return Side(model, inputs, None, None, None, None, space.batch, space.scratch, sharing)
