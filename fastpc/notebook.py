"""The notebook that fastpc grew from: its run, to the digit, and its rule streamed over a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_whole
from fastpc.data import Dataset, as_dataset, find
from fastpc.divergence import (
    Failure,
    advice_at_rest,
    ceiling_of,
    find_failure,
    largest_number,
    require_finite,
)
from fastpc.engine.layout import aligned_zeros
from fastpc.engine.notebook import N_MORE, N_PHASES, NotebookSettings, train_notebook, weight_units
from fastpc.engine.pixels import make_sections
from fastpc.engine.sharing import make_sharing
from fastpc.engine.train import Chunk
from fastpc.engine.update import N_RATES
from fastpc.engine.workspace import Workspace, inputs_of, model_of, step_size_of
from fastpc.errors import ConfigurationError, DataError
from fastpc.evaluation import Evaluation
from fastpc.network import PCNetwork
from fastpc.rules import Notebook
from fastpc.session import ChunkResult, advice_after
from fastpc.spectrum import AUTO_FRACTION, Spectrum

HIDDEN = 128
BATCH = 64
# Steps of recognition from the image alone, once a whole data set was learned.
RECOGNITION_STEPS = 100


@dataclass(frozen=True, eq=False)
class NotebookResult:
    """What the notebook printed, and what it should have.

    Attributes
    ----------
    accuracy : float
        Its "Batch Accuracy": the labels were nudged into x2, and x2 is compared with the labels.
    probabilities : ndarray of float64, shape (classes, 64)
        Its last cell's table, ``softmax(x2)``.
    honest_accuracy : float
        The same 64 images recognised by the trained weights with the image alone clamped.
    """

    accuracy: float
    probabilities: NDArray[np.float64]
    honest_accuracy: float


def initial_network(
    n_pixels: int, n_classes: int, dtype: str = "float64", hidden: int = HIDDEN, seed: int = 0
) -> PCNetwork:
    """Return a network with the notebook's weights: W1 drawn before W2, a hundredth of normal numbers, seed 0."""
    network = PCNetwork((n_classes, hidden, n_pixels), "identity", dtype=dtype, seed=seed, initializer="notebook")
    require_whole("the notebook's network", "seed", seed, at_least=0, at_most=2**32 - 1)
    random = np.random.RandomState(seed)
    network.weights[1] = random.randn(hidden, n_pixels) * 0.01
    network.weights[0] = random.randn(n_classes, hidden) * 0.01
    return network


def run(data: object = None) -> NotebookResult:
    """Run the notebook's own procedure in compiled kernels: the first 64 images, seed 0, float64, five steps.

    Parameters
    ----------
    data : anything `fastpc.data.as_dataset` takes
        MNIST's training set by default, found as ``--data mnist`` finds it.

    Raises
    ------
    DataError
        If no data can be had, or fewer than 64 labelled samples.
    """
    train = find("mnist")[0] if data is None else as_dataset(data)
    if train.n_classes is None or len(train) < BATCH:
        raise DataError(f"expected at least {BATCH} labelled samples, got {len(train)}; pass MNIST's training set")
    first = train.take(np.arange(BATCH))
    network = initial_network(train.n_features, train.n_classes)
    session = NotebookSession(Notebook(), network, BATCH, 1)
    session.bind(first)
    session.run(np.arange(BATCH, dtype=np.int64), np.ones(1))
    x2 = session.top_states(BATCH).T
    # As in the notebook's last cell, which adds 1e-9 to the sum.
    exponentials = np.exp(x2 - x2.max(axis=0))
    probabilities = exponentials / (exponentials.sum(axis=0) + 1e-9)
    labels = first.targets
    alone = recognise(network, first, Notebook().steps, 0.1)
    return NotebookResult(
        accuracy=float(np.mean(x2.argmax(axis=0) == labels)),
        probabilities=probabilities,
        honest_accuracy=float(np.mean(alone.argmax(axis=1) == labels)),
    )


def recognise(network: PCNetwork, data: Dataset, steps: int, step_size: float) -> NDArray[np.float64]:
    """Return the label's states x_0, (N, classes), after settling from zero on the images alone.

    The notebook's rule with the label's error gone and the weights held; no target is looked at.
    """
    w1, w2 = (np.asarray(weights, np.float64) for weights in network.weights)
    tops = []
    for start in range(0, len(data), 2048):
        images = data.inputs[start : start + 2048]
        x2 = np.asarray(images if isinstance(images, np.ndarray) else images.toarray(), np.float64) * data.scale
        x1, x0 = np.zeros((len(x2), w1.shape[1])), np.zeros((len(x2), w1.shape[0]))
        # (x2 - x1 W_2) W_2^T in two small products instead of two large ones.
        drive, gram = x2 @ w2.T, w2 @ w2.T
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            for _ in range(steps):
                pull, e1 = drive - x1 @ gram, x1 - x0 @ w1
                x1 += step_size * pull
                x0 += step_size * e1 @ w1.T
        tops.append(x0)
    found = np.concatenate(tops)
    advise = advice_at_rest(network.parameters, lambda: largest_number(data.inputs) * data.scale, step_size)
    require_finite(found, "what was inferred is not finite", advise, [0] * found.shape[1])
    return found


def evaluate(network: PCNetwork, data: Dataset) -> Evaluation:
    """Recognise all of `data` from the images alone, and only then look at the labels."""
    return Evaluation.of(label_states(network, data), data, "cross_entropy")


def label_states(network: PCNetwork, data: Dataset) -> NDArray[np.float64]:
    """Return the label's states, (N, classes), after ``RECOGNITION_STEPS`` steps with the images alone clamped."""
    _check_images(network, data)
    step = AUTO_FRACTION / Spectrum(network).curvature((1.0, 1.0))
    return recognise(network, data, RECOGNITION_STEPS, step)


def _check_images(network: PCNetwork, data: Dataset) -> None:
    """Raise a DataError unless `data` are images of the last layer's width, in the first layer's classes."""
    if data.n_features != network.sizes[-1] or data.n_classes != network.sizes[0]:
        raise DataError(
            f"expected images of {network.sizes[-1]} pixels in {network.sizes[0]} classes, got "
            f"{data.n_features} features in {data.n_classes} classes; "
            "match the network's sizes (classes, hidden, pixels)"
        )


class NotebookSession:
    """The notebook's rule at work; see `fastpc.session.Session`."""

    learns_from_the_first = True  # weights move before a batch's energies are measured

    def __init__(self, rule: Notebook, network: PCNetwork, batch_size: int, threads: int) -> None:
        if network.n_layers != 2 or network.activations != ("identity",):
            raise ConfigurationError(
                "expected a network of sizes (classes, hidden, pixels) with the identity for the notebook's rule, "
                f"got {network!r}; make one with fastpc.notebook.initial_network"
            )
        self.rule, self.network, self.threads, self.epoch = rule, network, threads, 0
        self.batch_size = batch_size
        self.layout = layout = network.layout
        # The images are the last layer here, so the input lists must have room for them.
        self.workspace = Workspace(layout, batch_size, threads, n_inputs=network.sizes[-1])
        n_tiles = -(-batch_size // layout.lanes)
        self._tiles = aligned_zeros((n_tiles, layout.tile_size), layout.dtype)
        self._sections = make_sections(layout, n_tiles)
        self._units = weight_units(network.sizes, len(self._sections.table))
        number = layout.dtype.type
        automatic = isinstance(rule.step_size, str)
        own = Notebook()
        own_step = float(own.step_size)
        self._settings = NotebookSettings(rule.steps, number(rule.rate / own_step), number(rule.rate))
        self._model = model_of(layout, network.parameters, (1.0, 1.0), 0)
        self._spectrum = Spectrum(network)
        stable = AUTO_FRACTION / self._spectrum.curvature((1.0, 1.0))
        self.state_step = min(own_step, stable) if automatic else float(rule.step_size)
        kind, fixed = ("capped", own_step) if automatic else ("fixed", self.state_step)
        self._step_size = step_size_of(layout, kind, fixed, AUTO_FRACTION, self._spectrum.vectors)

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` fit."""
        _check_images(self.network, data)

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on."""
        self.check(data)
        self.data = data
        self.ceiling = ceiling_of(data.inputs, data.scale)
        self._inputs = inputs_of(data.inputs, data.targets, data.scale, 1.0, True, self.layout.dtype)

    def compile(self) -> float:
        """Compile, or load, the kernel; return the seconds that took."""
        begin = perf_counter()
        self.run(np.zeros(0, np.int64), np.zeros(0))
        return perf_counter() - begin

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch; the rule has its own rates, `factors` only count."""
        n_batches = len(factors)
        chunk = Chunk(
            order=order,
            batch_size=self.workspace.batch_size,
            step_sizes=np.full(n_batches * self.rule.steps + 1, self.state_step, self.layout.dtype),
            rates=np.zeros((n_batches, N_RATES), self.layout.dtype),
            energies=np.zeros((n_batches, 3)),
            correct=np.zeros(n_batches, np.int64),
            ceiling=self.ceiling,
            failed=np.zeros((2, 3), np.int64),
        )
        train_notebook(
            self.threads, self._model, self._inputs, self._settings, self._step_size, self._units, self._sections,
            chunk, self.workspace.batch, self._tiles, self.workspace.scratch,
            make_sharing(N_PHASES * self.rule.steps * n_batches + N_MORE, self.threads),
        )  # fmt: skip
        self.state_step = float(chunk.step_sizes[-1])
        # The labels pull on the states, so comparing these with the labels would say nothing: no accuracy.
        return ChunkResult(chunk.energies[:, 1:], None, find_failure(chunk))

    def advice(self, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64]) -> str:
        """Return what to try, by what is seen of the weights and the data."""
        return advice_after(self, failure, order, factors, self)

    @property
    def remedy(self) -> str:
        """What to try where nothing else is to blame."""
        if isinstance(self.rule.step_size, str):
            return f"so lower the rate ({self.rule.rate:g})"
        return 'the notebook\'s own rates are not stable on a stream of batches, so use step_size="auto"'

    def stability_limit(self) -> float:
        """Return about the largest state step that is stable for the weights as they are."""
        return 2 / Spectrum(self.network).curvature((1.0, 1.0))

    def top_states(self, n_samples: int) -> NDArray[Any]:
        """Return x_0 of the last batch's samples, (n_samples, classes), as training left them."""
        from fastpc.engine.layout import ACTIVITY_STRIDE, BATCH_ACTIVITY

        row = self.layout.layers[0]
        start, stride = row[BATCH_ACTIVITY], row[ACTIVITY_STRIDE]
        rows = self.workspace.batch.activities[start : start + n_samples * stride].reshape(n_samples, stride)
        return np.array(rows[:, : self.network.sizes[0]])

    def evaluate(self, data: Dataset) -> Evaluation:
        """Recognise all of `data` from the images alone, and only then look at the labels."""
        return evaluate(self.network, data)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything `run` changes."""
        return {
            "parameters": self.network.parameters.copy(),
            "vectors": self._spectrum.vectors.copy(),
            "state_step": np.array(self.state_step, np.float64),
        }

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Bring back what `snapshot` copied."""
        self.network.parameters[:], self._spectrum.vectors[:] = snapshot["parameters"], snapshot["vectors"]
        self.state_step = float(snapshot["state_step"])
