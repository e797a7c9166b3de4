"""Trainer: streams batches into the engine, keeps the history, and stops cleanly whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.checks import require_whole
from fastpc.data import Dataset, Shuffle, as_dataset
from fastpc.data.shuffle import batches
from fastpc.errors import ConfigurationError, DataError, DivergenceError
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam, Optimizer
from fastpc.rules import PC, Rule
from fastpc.session import ChunkResult, Session

# A call of the engine should last about this long: short enough for a live display and for Ctrl-C, long enough that
# what Python does between calls does not count.
_CHUNK_SECONDS = 0.2
_FIRST_CHUNK = 16


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch measured.

    Attributes
    ----------
    epoch : int
        From 1.
    energy : tuple of float
        Each layer's energy after relaxation, a mean over the epoch's samples.
    accuracy : float or None
        Of the feed-forward pass on each training batch before it was learned; None without labels.
    validation_accuracy : float or None
    samples : int
    train_seconds : float
        Shuffling, scaling and converting included; compilation and evaluation not.
    learning_rate : float
        Of the last batch.
    state_step : float
        gamma of the last batch.
    """

    epoch: int
    energy: tuple[float, ...]
    accuracy: float | None
    validation_accuracy: float | None
    samples: int
    train_seconds: float
    learning_rate: float
    state_step: float

    @property
    def samples_per_second(self) -> float:
        """Training throughput."""
        return self.samples / self.train_seconds if self.train_seconds else 0.0


@dataclass
class History:
    """What a call of `Trainer.fit` measured, epoch by epoch."""

    epochs: list[EpochRecord] = field(default_factory=list)
    compile_seconds: float = 0.0
    interrupted: bool = False

    @property
    def train_seconds(self) -> float:
        """Seconds of training, without compilation and evaluation."""
        return sum(record.train_seconds for record in self.epochs)

    @property
    def samples_seen(self) -> int:
        """Samples trained on, each epoch counted."""
        return sum(record.samples for record in self.epochs)


@dataclass(frozen=True)
class Progress:
    """Where a run stands, for callbacks' `on_chunk`; energy and accuracy are the epoch's so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    energy: float
    accuracy: float | None
    samples_per_second: float
    seconds_left: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a network does on data; labels were compared only after every prediction was made.

    Attributes
    ----------
    accuracy : float or None
        None without labels.
    loss : float
        The output layer's energy of the feed-forward pass, a mean over the samples.
    confusion : ndarray of int64, shape (classes, classes), or None
        Rows are labels, columns predictions.
    predictions : ndarray of int64, shape (N,)
    """

    accuracy: float | None
    loss: float
    confusion: NDArray[np.int64] | None
    predictions: NDArray[np.int64]


class Trainer:
    """Trains a network by a learning rule.

    Parameters
    ----------
    network : PCNetwork
        Trained in place.
    rule : Rule
    optimizer : SGD, Adam or AdamW
    batch_size : int
        The last batch of an epoch may be shorter; it is trained on all the same.
    seed : int
        Of the shuffle.
    threads : int, optional
        All cores by default. Results do not depend on it, to the last bit.
    callbacks : sequence
        Objects with any of the methods ``on_fit_begin(trainer)``, ``on_chunk(trainer, progress)``,
        ``on_epoch_end(trainer, record)``, ``on_fit_end(trainer, history)``.

    Raises
    ------
    ConfigurationError
        If a setting is of the wrong kind or out of bounds.
    """

    def __init__(
        self,
        network: PCNetwork,
        rule: Rule | None = None,
        optimizer: Optimizer | None = None,
        batch_size: int = 64,
        *,
        seed: int = 0,
        threads: int | None = None,
        callbacks: Sequence[object] = (),
    ) -> None:
        from fastpc.engine.threads import choose_threads

        self.network = network
        self.rule = PC() if rule is None else rule
        self.optimizer = Adam() if optimizer is None else optimizer
        if not isinstance(network, PCNetwork):
            raise ConfigurationError(f"expected a PCNetwork to train, got {network!r}; make one first")
        if not isinstance(self.rule, Rule):
            raise ConfigurationError(f"expected a rule such as PC(), got {self.rule!r}; pass an instance")
        if not isinstance(self.optimizer, Optimizer):
            raise ConfigurationError(f"expected an optimizer such as Adam(), got {optimizer!r}; pass an instance")
        require_whole("Trainer", "batch_size", batch_size, at_least=1)
        require_whole("Trainer", "seed", seed, at_least=0)
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.threads = choose_threads(threads)
        self.callbacks = list(callbacks)
        self.epochs_done = 0
        self.history = History()
        self._session: Session | None = None

    def fit(
        self, data: object, validation: object = None, epochs: int = 1
    ) -> History:
        """Train for `epochs` passes over `data`; a further call goes on where this one ended.

        Parameters
        ----------
        data : anything `fastpc.data.as_dataset` takes
            Pairs (x, y), a Dataset, a tf.data.Dataset, or an iterable of batches.
        validation : the same, optional
            Data to measure after every epoch; nothing is chosen by them.
        epochs : int
            The schedule runs over this call's epochs.

        Returns
        -------
        History
            Also kept as `history`, which stays up to date when training stops early.

        Raises
        ------
        DataError
            If the data do not fit the network.
        DivergenceError
            If a batch leaves the finite numbers; the parameters are then those from before its chunk of batches.
        KeyboardInterrupt
            On Ctrl-C, after the current chunk of batches: the network is whole and usable.
        """
        require_whole("Trainer.fit", "epochs", epochs, at_least=0)
        train = self._checked(data)
        held_out = None if validation is None else self._checked(validation)
        if self._session is None:
            self._session = self.rule.session(self.network, self.optimizer, self.batch_size, self.threads)
        self._session.bind(train)
        self.history = History()
        self._call("on_compile", train)
        self.history.compile_seconds = self._session.compile()
        self._call("on_fit_begin")
        run = _Run(self, self._session, train, int(epochs))
        try:
            for _ in range(epochs):
                record = run.epoch(held_out)
                self.history.epochs.append(record)
                self.epochs_done += 1
                self._call("on_epoch_end", record)
        except KeyboardInterrupt:
            self.history.interrupted = True
            raise
        finally:
            self._call("on_fit_end", self.history)
        return self.history

    def evaluate(self, data: object) -> Evaluation:
        """Predict all of `data` by the feed-forward pass, then compare; see `Evaluation`."""
        return evaluate(self.network, data, threads=self.threads)

    def _checked(self, data: object) -> Dataset:
        dataset = as_dataset(data)
        self.network.check_data(dataset.n_features, dataset.n_outputs)
        if dataset.n_classes is None and dataset.n_outputs != self.network.sizes[-1]:
            raise DataError(
                f"expected targets with {self.network.sizes[-1]} columns, got {dataset.n_outputs}; "
                "match the network's last layer"
            )
        return dataset

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            function = getattr(callback, method, None)
            if function is not None:
                function(self, *arguments)


def evaluate(network: PCNetwork, data: object, *, threads: int | None = None) -> Evaluation:
    """Predict all of `data` by the feed-forward pass, and only then look at its targets.

    Raises
    ------
    DataError
        If the data do not fit the network.
    """
    dataset = as_dataset(data)
    network.check_data(dataset.n_features, dataset.n_outputs)
    outputs = network.forward(dataset, threads=threads).astype(np.float64)
    predictions = outputs.argmax(axis=1)
    loss = _mean_loss(network.loss, outputs, dataset)
    if dataset.n_classes is None:
        return Evaluation(None, loss, None, predictions)
    n = network.sizes[-1]
    confusion = np.bincount(dataset.targets * n + predictions, minlength=n * n).reshape(n, n)
    return Evaluation(float(np.mean(predictions == dataset.targets)), loss, confusion, predictions)


def _mean_loss(loss: str, outputs: NDArray[np.float64], data: Dataset) -> float:
    if data.n_classes is None:
        targets = data.targets * data.target_scale
    else:
        targets = np.eye(outputs.shape[1])[data.targets]
    if loss == "squared_error":
        return float(0.5 * np.square(targets - outputs).sum(axis=1).mean())
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-(targets * log_probabilities).sum(axis=1).mean())


class _Run:
    """One call of `fit`: cuts epochs into chunks of batches, as long as `_CHUNK_SECONDS` asks for."""

    def __init__(self, trainer: Trainer, session: Session, data: Dataset, epochs: int) -> None:
        self.trainer, self.session, self.data, self.epochs = trainer, session, data, epochs
        self.shuffle = Shuffle(len(data), trainer.seed)
        self.batches = batches(len(data), trainer.batch_size)
        self.total = self.batches * epochs
        self.done = 0
        self.seconds = 0.0
        self.chunk = _FIRST_CHUNK

    def epoch(self, held_out: Dataset | None) -> EpochRecord:
        """Train on every sample once and return what was measured."""
        trainer, size, n = self.trainer, self.trainer.batch_size, len(self.data)
        before = self.seconds
        begin = perf_counter()
        order = self.shuffle.order(trainer.epochs_done)
        self.seconds += perf_counter() - begin
        energies, weights, correct = np.zeros(trainer.network.n_layers), 0, 0
        first = 0
        while first < self.batches:
            count = min(self.chunk, self.batches - first)
            factors = trainer.optimizer.schedule.factors(self.done, count, self.total, self.batches)
            result = self._run(order[first * size : (first + count) * size], factors, first)
            samples = np.minimum(size, n - size * np.arange(first, first + count))
            energies += samples @ result.energies
            weights += int(samples.sum())
            correct += int(result.correct.sum())
            first += count
            self.done += count
            self._report(first, energies.sum() / weights, self._accuracy(correct, weights))
        validation = None if held_out is None else trainer.evaluate(held_out).accuracy
        return EpochRecord(
            epoch=trainer.epochs_done + 1,
            energy=tuple(float(energy) for energy in energies / n),
            accuracy=self._accuracy(correct, n),
            validation_accuracy=validation,
            samples=n,
            train_seconds=self.seconds - before,
            learning_rate=trainer.optimizer.learning_rate * float(factors[-1]),
            state_step=float(getattr(self.session, "state_step", np.nan)),
        )

    def _run(self, order: NDArray[np.int64], factors: NDArray[np.float64], first: int) -> ChunkResult:
        begin = perf_counter()
        snapshot = self.session.snapshot()
        result = self.session.run(order, factors)
        if result.failure is not None:
            failure = result.failure
            self.session.restore(snapshot)
            raise DivergenceError(
                failure.cause, self.trainer.epochs_done + 1, first + failure.batch + 1, failure.layer, failure.advice
            )
        seconds = perf_counter() - begin
        self.seconds += seconds
        # Chunks grow at most fourfold at a time: a first one can be slow for reasons of its own.
        wanted = len(factors) * _CHUNK_SECONDS / max(seconds, 1e-6)
        self.chunk = int(min(max(1, wanted), 4 * len(factors)))
        return result

    def _accuracy(self, correct: int, samples: int) -> float | None:
        return None if self.data.n_classes is None else correct / samples

    def _report(self, batch: int, energy: float, accuracy: float | None) -> None:
        samples = self.done * self.trainer.batch_size
        progress = Progress(
            epoch=self.trainer.epochs_done + 1,
            epochs=self.trainer.epochs_done - (self.done - 1) // self.batches + self.epochs,
            batch=batch,
            batches=self.batches,
            energy=float(energy),
            accuracy=accuracy,
            samples_per_second=samples / max(self.seconds, 1e-9),
            seconds_left=self.seconds / self.done * (self.total - self.done),
        )
        self.trainer._call("on_chunk", progress)
