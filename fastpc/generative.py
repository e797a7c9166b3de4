"""Sessions of networks that generate: data turned over, and answers found by relaxing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset
from fastpc.errors import ConfigurationError, DataError
from fastpc.evaluation import Evaluation

if TYPE_CHECKING:
    from fastpc.divergence import Failure
    from fastpc.network import PCNetwork
    from fastpc.rules import Generative, Unsupervised
    from fastpc.session import ChunkResult, Session


class TurnedSession(ABC):
    """A rule's session that is given its data turned over; see `fastpc.session.Session`."""

    def __init__(self, network: PCNetwork, inner: Session) -> None:
        if network.loss != "squared_error":
            raise ConfigurationError(
                f'expected loss="squared_error" where images are clamped at the last layer, got {network.loss!r}; '
                "make the network with that"
            )
        self.network, self.inner = network, inner

    @abstractmethod
    def turn(self, data: Dataset) -> Dataset:
        """Return the data as the rule within takes them."""

    @abstractmethod
    def evaluate(self, data: Dataset) -> Evaluation:
        """Relax with the images of `data` alone clamped, and only then look at what they are compared with."""

    @property
    def threads(self) -> int:
        """How many threads to run on."""
        return self.inner.threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self.inner.threads = threads

    @property
    def epoch(self) -> int:
        """How many epochs are behind."""
        return self.inner.epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self.inner.epoch = epoch

    @property
    def state_step(self) -> float:
        """The state step of the next batch."""
        return float(getattr(self.inner, "state_step", np.nan))

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` are images as wide as the last layer."""
        if data.n_features != self.network.sizes[-1]:
            raise DataError(
                f"expected images of {self.network.sizes[-1]} pixels, as the network's last layer has, got "
                f"{data.n_features} features; a network that generates has its sizes the other way round"
            )

    def bind(self, data: Dataset) -> None:
        """Train on `data` from now on."""
        self.check(data)
        self.inner.bind(self.turn(data))

    def compile(self) -> float:
        """Compile, or load, the kernels that train."""
        return self.inner.compile()

    def run(self, order: NDArray[np.int64], factors: NDArray[np.float64]) -> ChunkResult:
        """Train on the samples `order`, batch after batch; outputs are images, so none is correct or wrong."""
        return replace(self.inner.run(order, factors), correct=None)

    def advice(self, failure: Failure, order: NDArray[np.int64], factors: NDArray[np.float64]) -> str:
        """Return what to try."""
        return self.inner.advice(failure, order, factors)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything `run` changes."""
        return self.inner.snapshot()

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """Bring back what `snapshot` copied."""
        self.inner.restore(snapshot)


class GenerativeSession(TurnedSession):
    """Labels at layer 0, images at layer L."""

    def __init__(self, rule: Generative, network: PCNetwork, inner: Session) -> None:
        super().__init__(network, inner)
        self.rule = rule

    def check(self, data: Dataset) -> None:
        """Raise a DataError unless `data` are images and labels that fit."""
        super().check(data)
        check_labels(data, self.network.sizes[0])

    def turn(self, data: Dataset) -> Dataset:
        """Return one-hot labels as inputs, images as targets."""
        return labels_below(data, self.network.sizes[0])

    def evaluate(self, data: Dataset) -> Evaluation:
        """Recognise all of `data` with the images alone clamped, and only then look at the labels."""
        self.check(data)
        found = self.network.infer(data, self.rule.recognition, threads=self.threads)
        return Evaluation.of(found.astype(np.float64), data, "squared_error")


class UnsupervisedSession(TurnedSession):
    """Latents at layer 0, from zero; images at layer L."""

    def __init__(self, rule: Unsupervised, network: PCNetwork, inner: Session) -> None:
        super().__init__(network, inner)
        self.rule = rule

    def turn(self, data: Dataset) -> Dataset:
        """Return the latents' starting states as inputs, images as targets."""
        return latents_below(data, self.network.sizes[0])

    def evaluate(self, data: Dataset) -> Evaluation:
        """Reconstruct all images from their latents alone; the loss is half the squared difference."""
        self.check(data)
        rule = self.rule
        images = self.network.reconstruct(data, rule.inference, prior=rule.prior, threads=self.threads)
        return Evaluation.of(images.astype(np.float64), self.turn(data), "squared_error")


def check_labels(data: Dataset, n: int) -> None:
    """Raise a DataError unless labels fit a first layer of n units."""
    if data.n_outputs > n or (data.n_classes is None and data.n_outputs != n):
        raise DataError(
            f"expected labels of {n} classes, as the network's first layer has, got {data.n_outputs}; "
            "a network that generates has the sizes (classes, …, pixels)"
        )


def labels_below(data: Dataset, n: int) -> Dataset:
    """Return one-hot labels of n classes as inputs, images as targets."""
    labels, scale = data.targets, data.target_scale
    if data.n_classes is not None:
        labels, scale = np.eye(n, dtype=np.uint8)[labels], 1.0
    images, weights = dense_images(data), data.sample_weight
    return Dataset(labels, images, name=data.name, scale=scale, target_scale=data.scale, sample_weight=weights)


def latents_below(data: Dataset, n: int) -> Dataset:
    """Return the starting states of n latents as inputs, images as targets."""
    start = np.zeros((len(data), n), np.uint8)
    images, weights = dense_images(data), data.sample_weight
    return Dataset(start, images, name=data.name, target_scale=data.scale, sample_weight=weights)


def dense_images(data: Dataset) -> NDArray[Any]:
    """Return the inputs as rows, filled out where they are sparse."""
    return data.inputs if isinstance(data.inputs, np.ndarray) else np.asarray(data.inputs.toarray())
