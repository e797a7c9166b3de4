"""Bidirectional networks on the engine: the session that trains them, and what they relax to while they stand still."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset, as_dataset
from fastpc.divergence import advice_at_rest, ceiling_of, energy_ceiling, find_failure, largest_entering, require_finite
from fastpc.engine.bidirectional import Directions, StepSizes, relax_bidirectional, train_bidirectional
from fastpc.engine.evaluate import gradient_of_batch
from fastpc.engine.gram import gram_pays
from fastpc.engine.layout import BATCH_ERROR, ERROR_STRIDE
from fastpc.engine.sharing import make_sharing
from fastpc.engine.threads import choose_threads
from fastpc.engine.tile import Model
from fastpc.engine.train import N_PHASES
from fastpc.engine.workspace import Workspace, inputs_of, model_of, step_size_of
from fastpc.inference import outputs_of
from fastpc.network import LOSSES
from fastpc.relaxation import Relaxation
from fastpc.rules import BidirectionalPC
from fastpc.session import ChunkResult, EngineSession
from fastpc.spectrum import AUTO_FRACTION, Spectrum

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.engine.bidirectional_layout import BidirectionalLayout
    from fastpc.optimizers import Optimizer


class BidirectionalSession(EngineSession):
    """The session of `BidirectionalPC`: both directions relax together, and step their weights together."""

    rule: BidirectionalPC
    network: BidirectionalNetwork  # type: ignore[assignment]
    layout: BidirectionalLayout

    def __init__(
        self, rule: BidirectionalPC, network: BidirectionalNetwork, optimizer: Optimizer, batch_size: int, threads: int
    ) -> None:
        super().__init__(rule, network, optimizer, batch_size, threads)  # type: ignore[arg-type]
        with_gram = gram_pays(network.sizes[::-1], rule.steps, batch_size, LOSSES.index("squared_error"))
        self._directions = directions_of(network, self.layout, rule, with_gram)
        widths = [sum(part.sizes[1:]) for part in (network.recognition, network.generation)]
        self._vectors = np.zeros(sum(widths), self.layout.dtype)
        parts = np.split(self._vectors, widths[:1])
        self._step_sizes = StepSizes(*(step_size_of(self.layout, "auto", 0.0, AUTO_FRACTION, part) for part in parts))

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on, with state steps that fit the weights as they are now."""
        self.check(data)
        self.data = data
        # The images are an output too.
        up, down = self.rule.alpha_discriminative, self.rule.alpha_generative
        self.ceiling = max(energy_ceiling(data, up), ceiling_of(data.inputs, data.scale, down))
        self._inputs = engine_inputs(data, self.layout.dtype)
        size = min(self.batch_size, len(data))
        self.workspace = Workspace(self.layout, size, self._most_threads, self.network.sizes[0])
        if self.rule.follows_weights:
            spectra = _spectra(self.network)
            self._vectors[:] = np.concatenate([spectrum.vectors for spectrum in spectra])
            self.state_step = AUTO_FRACTION / _curvature(spectra, self.rule)

    def compile(self) -> float:
        """Compile, or load, the kernels that train and evaluate; runs of no samples do it."""
        begin = perf_counter()
        nothing = np.zeros(0, np.int64)
        self.run(nothing, np.zeros(0))
        outputs_of(self.network.recognition, self._inputs, nothing, self.threads)
        return perf_counter() - begin

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch."""
        chunk = self._chunk(order, factors)
        workspace = self.workspace
        train_bidirectional(
            self.threads, self._directions, self._inputs, self._relaxation, self._step_sizes, self._engine_optimizer,
            workspace.units, workspace.norms, chunk, workspace.batch, workspace.scratch,
            make_sharing(N_PHASES * len(factors), self.threads),
        )  # fmt: skip
        result = self._result(chunk)
        n_rows = self.layout.n_rows
        layers = (*range(n_rows), *reversed(range(n_rows)))
        return replace(
            result,
            energies=np.delete(chunk.energies, (0, n_rows), axis=1),
            failure=find_failure(chunk, layers),
        )

    def stability_limit(self) -> float:
        """Return about the largest state step that is stable for the weights as they are."""
        return 2 / _curvature(_spectra(self.network), self.rule) if self.rule.steps > 0 else np.inf


def directions_of(
    network: BidirectionalNetwork, layout: BidirectionalLayout, rule: BidirectionalPC, with_gram: bool = False
) -> Directions:
    """Return a network as kernels see it: the alphas are its directions' precisions."""
    n, rows = layout.n_rows, layout.layers
    loss = LOSSES.index(network.loss)
    models: list[Model] = []
    for alpha, part, part_loss, gram in (
        (rule.alpha_discriminative, network.recognition, loss, False),
        (rule.alpha_generative, network.generation, 0, with_gram),
    ):
        precisions = (alpha,) * part.n_layers
        models.append(model_of(part.layout, network.parameters, precisions, part_loss, gram))
    up, down = models
    ends = {name: np.concatenate([getattr(up, name), getattr(down, name)]) for name in ("precisions", "scales")}
    both = up._replace(layers=rows, **ends)
    return Directions(up._replace(layers=rows[:n]), down._replace(layers=rows[n:]), both)


def engine_inputs(data: Dataset, dtype: np.dtype[Any]) -> Any:
    """Return a data set as kernels see it."""
    labelled = data.n_classes is not None
    return inputs_of(data.inputs, data.targets, data.scale, data.target_scale, labelled, dtype)


def _spectra(network: BidirectionalNetwork) -> tuple[Spectrum, Spectrum]:
    return Spectrum(network.recognition), Spectrum(network.generation)


def _curvature(spectra: tuple[Spectrum, Spectrum], rule: BidirectionalPC) -> float:
    """Return a bound on the curvature of the energy: it is a sum over both directions, so their bounds add up."""
    alphas = (rule.alpha_discriminative, rule.alpha_generative)
    pairs = zip(spectra, alphas, strict=True)
    return sum(spectrum.curvature((alpha,) * spectrum.network.n_layers) for spectrum, alpha in pairs)


class _Relaxed:
    """A batch relaxed on the engine, still in its buffers."""

    def __init__(
        self, network: BidirectionalNetwork, x: object, y: object, rule: BidirectionalPC | None, threads: int | None
    ) -> None:
        data = as_dataset(x, y)
        network.check_targets(data)
        rule = BidirectionalPC() if rule is None else rule
        self.layout = layout = network.layout
        self.threads = choose_threads(threads)
        self.n_samples = n = len(data)
        self.workspace = Workspace(layout, n, self.threads, network.sizes[0])
        self.directions = directions_of(network, layout, rule)
        step = (
            AUTO_FRACTION / _curvature(_spectra(network), rule) if isinstance(rule.step_size, str) else rule.step_size
        )
        self.states = np.empty((n, sum(network.sizes[1:-1])), layout.dtype)
        self.traces = np.zeros((-(-n // layout.lanes), rule.steps + 1, 2 * layout.n_rows))
        relax_bidirectional(
            self.threads, self.directions, engine_inputs(data, layout.dtype), rule.steps, layout.dtype.type(step),
            np.arange(n, dtype=np.int64), self.states, self.traces, self.workspace.batch, self.workspace.scratch,
            make_sharing(1, self.threads),
        )  # fmt: skip
        with np.errstate(over="ignore", invalid="ignore"):  # found just below
            self.energy = self.traces.sum(axis=0) / n
        layers = (*range(layout.n_rows), *reversed(range(layout.n_rows)))
        self.advise = advice_at_rest(
            network.parameters, lambda: largest_entering(data), step, lambda: 2 / _curvature(_spectra(network), rule)
        )
        require_finite(self.energy, "the energy is not finite", self.advise, layers)
        require_finite(self.states, "the states are not finite", self.advise)


def relax(
    network: BidirectionalNetwork, x: object, y: object, rule: BidirectionalPC | None, threads: int | None
) -> tuple[Relaxation, Relaxation]:
    """Relax the hidden states between images and labels; see `BidirectionalNetwork.relax`."""
    relaxed = _Relaxed(network, x, y, rule, threads)
    hidden = np.cumsum(network.sizes[1:-1])
    states = [part.copy() for part in np.split(relaxed.states, hidden[:-1], axis=1)] if len(hidden) else []
    energies = relaxed.energy
    steps, n_rows = len(energies) - 1, relaxed.layout.n_rows
    return (
        Relaxation(states, _errors(relaxed, relaxed.directions.up), energies[:, 1:n_rows], steps),
        Relaxation(states[::-1], _errors(relaxed, relaxed.directions.down), energies[:, n_rows + 1 :], steps),
    )


def _errors(relaxed: _Relaxed, model: Model) -> list[NDArray[Any]]:
    """Return one direction's errors; the engine keeps them times its alpha."""
    errors = []
    for row, precision in zip(model.layers[1:], model.precisions[1:], strict=True):
        start, stride = row[BATCH_ERROR], row[ERROR_STRIDE]
        rows = relaxed.workspace.batch.errors[start : start + relaxed.n_samples * stride]
        errors.append(rows.reshape(-1, stride)[:, : row[0]] / precision)
        require_finite(errors[-1], "the errors are not finite", relaxed.advise)
    return errors


def gradient(
    network: BidirectionalNetwork, x: object, y: object, rule: BidirectionalPC | None, threads: int | None
) -> NDArray[Any]:
    """Return the parameters' gradient after a relaxation; see `BidirectionalNetwork.gradient`."""
    relaxed = _Relaxed(network, x, y, rule, threads)
    flat = relaxed.layout.empty_parameters()
    gradient_of_batch(
        relaxed.threads, relaxed.directions.both, relaxed.workspace.units, relaxed.n_samples, flat,
        relaxed.workspace.batch, relaxed.workspace.scratch, make_sharing(1, relaxed.threads),
    )  # fmt: skip
    require_finite(flat, "the gradient is not finite", relaxed.advise)
    return flat
