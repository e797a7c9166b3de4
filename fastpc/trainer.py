"""Trainer: streams batches into the engine, keeps the history, and stops cleanly whatever happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.checks import require_whole
from fastpc.data import Dataset, Shuffle, as_dataset
from fastpc.data.shuffle import batches
from fastpc.errors import ConfigurationError, DivergenceError
from fastpc.evaluation import Evaluation
from fastpc.history import EpochRecord, History, Progress
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam, Optimizer
from fastpc.rules import PC, Rule, TileRule
from fastpc.session import ChunkResult, Session

# A call of the engine should last about this long: short enough for a live display and for Ctrl-C, long enough that
# what Python does between calls does not count.
_CHUNK_SECONDS = 0.2
_FIRST_CHUNK, _FIRST_SAMPLES, _FIRST_MULTIPLICATIONS = 16, 65_536, 2_000_000_000


# What the engine's buffers and the optimiser's memory are made for.
_SETTINGS = frozenset({"network", "rule", "optimizer", "batch_size", "seed", "threads"})


class Trainer:
    """Trains a network by a learning rule.

    Parameters
    ----------
    network : PCNetwork or BidirectionalNetwork
        Trained in place; the rule says which kind it trains.
    rule : Rule
    optimizer : SGD, Adam or AdamW
    batch_size : int
        The last batch of an epoch may be shorter; it is trained on all the same.
    seed : int
        Of the shuffle.
    threads : int, optional
        All cores by default. Results do not depend on it, to the last bit.
    callbacks : sequence
        Objects with any of the methods ``on_compile(trainer, data)``, ``on_fit_begin(trainer)``,
        ``on_chunk(trainer, progress)``, ``on_epoch_end(trainer, record)``, ``on_fit_end(trainer, history)``. One that
        sets ``trainer.stop_training`` to True makes the epoch the call's last.

    Raises
    ------
    ConfigurationError
        If a setting is of the wrong kind or out of bounds.
    """

    def __init__(
        self,
        network: PCNetwork | BidirectionalNetwork,
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
        if not isinstance(self.rule, Rule):
            raise ConfigurationError(f"expected a rule such as PC(), got {self.rule!r}; pass an instance")
        kind = BidirectionalNetwork if self.rule.bidirectional else PCNetwork
        if not isinstance(network, kind):
            raise ConfigurationError(
                f"expected a {kind.__name__} to train by {type(self.rule).__name__}, got {network!r}; make one first"
            )
        if not isinstance(self.optimizer, Optimizer):
            raise ConfigurationError(f"expected an optimizer such as Adam(), got {optimizer!r}; pass an instance")
        require_whole("Trainer", "batch_size", batch_size, at_least=1)
        require_whole("Trainer", "seed", seed, at_least=0, at_most=2**63 - 1)
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.threads = choose_threads(threads)
        if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
            raise ConfigurationError(f"expected callbacks to be a sequence of objects, got {callbacks!r}; pass a list")
        self.callbacks = list(callbacks)
        self.epochs_done = 0
        self.history = History()
        self.stop_training = False
        self._session: Session | None = None

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS and name in self.__dict__:
            raise AttributeError(f"expected {name} to stay as it was made, got another; make a new Trainer for that")
        super().__setattr__(name, value)

    def fit(self, data: object, validation: object = None, epochs: int = 1) -> History:
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
            On Ctrl-C. The network is then whole and usable, as it was at the end of a chunk of batches; a further call
            begins the interrupted epoch anew.
        """
        require_whole("Trainer.fit", "epochs", epochs, at_least=0)
        train = as_dataset(data)
        held_out = None if validation is None else as_dataset(validation)
        self._require_alike(train)
        session = self._start_session()
        if held_out is not None:
            session.check(held_out)
        begin = perf_counter()
        session.bind(train)
        converting = perf_counter() - begin
        self.history = History()
        self.stop_training = False
        self._call("on_compile", train)
        self.history.compile_seconds = session.compile()
        run = _Run(self, session, train, int(epochs), converting)
        try:
            self._call("on_fit_begin")
            for _ in range(epochs):
                record = run.epoch(held_out)
                self.history.epochs.append(record)
                self.epochs_done += 1
                self._call("on_epoch_end", record)
                if self.stop_training:
                    break
        except KeyboardInterrupt:
            self.history.interrupted = True
            raise
        finally:
            self._call("on_fit_end", self.history)
        return self.history

    def evaluate(self, data: object) -> Evaluation:
        """Predict all of `data` as the rule's networks predict, and only then look at the targets."""
        return self._start_session().evaluate(as_dataset(data))

    def snapshot(self) -> Any:
        """Return a copy of all that training changes: parameters, the optimiser's memory, the epochs behind."""
        return self.epochs_done, self._start_session().snapshot()

    def restore(self, snapshot: Any) -> None:
        """Go on from where `snapshot` was taken, of this trainer or of one made alike."""
        self.epochs_done, session = snapshot
        self._start_session().restore(session)

    def _require_alike(self, data: Dataset) -> None:
        """Raise unless all samples count alike, or the rule takes weights."""
        if data.sample_weight is not None and not self.rule.takes_weights:
            raise ConfigurationError(
                f"expected no sample weights with {type(self.rule).__name__}, to which all samples count alike, got "
                "some; leave them out, or take a rule such as PC()"
            )

    def _start_session(self) -> Session:
        if self._session is None:
            self._session = self.rule.session(self.network, self.optimizer, self.batch_size, self.threads)
        return self._session

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            function = getattr(callback, method, None)
            if function is not None:
                function(self, *arguments)


def _most_steps(trainer: Trainer) -> int:
    rule = trainer.rule
    return rule.steps_for(trainer.network.n_layers) if isinstance(rule, TileRule) else int(getattr(rule, "steps", 1))


class _Run:
    """One call of `fit`: cuts epochs into chunks of batches, as long as `_CHUNK_SECONDS` asks for."""

    def __init__(self, trainer: Trainer, session: Session, data: Dataset, epochs: int, converting: float) -> None:
        self.trainer, self.session, self.data, self.epochs = trainer, session, data, epochs
        self.shuffle = Shuffle(len(data), trainer.seed)
        self.batches = batches(len(data), trainer.batch_size)
        self.total = self.batches * epochs
        self.done = 0
        self.samples = 0
        self.seconds = 0.0
        self.converting = converting
        # Bounded by work as well, so that Ctrl-C is heard soon however deep, wide or long the relaxation.
        work = trainer.network.n_parameters * trainer.batch_size * (2 * _most_steps(trainer) + 4)
        first = min(_FIRST_CHUNK, _FIRST_SAMPLES // trainer.batch_size, _FIRST_MULTIPLICATIONS // work)
        self.chunk = max(1, first)

    def epoch(self, held_out: Dataset | None) -> EpochRecord:
        """Train on every sample once and return what was measured."""
        trainer, size, n = self.trainer, self.trainer.batch_size, len(self.data)
        before = self.seconds
        begin = perf_counter()
        order = self.shuffle.order(trainer.epochs_done)
        self.session.epoch = trainer.epochs_done
        self.seconds += perf_counter() - begin + self.converting
        self.converting = 0.0
        energies, seen, first = np.zeros(1), 0, 0
        correct: int | None = None
        while first < self.batches:
            count = min(self.chunk, self.batches - first)
            factors = trainer.optimizer.schedule.factors(self.done, count, self.total, self.batches)
            result = self._run(order[first * size : (first + count) * size], factors, first)
            samples = np.minimum(size, n - size * np.arange(first, first + count))
            energies = energies + samples @ result.energies
            seen += int(samples.sum())
            if result.correct is not None:
                correct = (correct or 0) + int(result.correct.sum())
            first += count
            self.done += count
            self._report(first, energies.sum() / seen, self._accuracy(correct, seen))
        validation = None if held_out is None else self.session.evaluate(held_out).accuracy
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
        session = self.session
        snapshot = session.snapshot()
        try:
            result = session.run(order, factors)
        except BaseException:
            # Ctrl-C surfaces as the kernel returns, before anything could be checked.
            session.restore(snapshot)
            raise
        if result.failure is not None:
            failure = result.failure
            session.restore(snapshot)
            epoch, batch = self.trainer.epochs_done + 1, first + failure.batch + 1
            raise DivergenceError(failure.cause, epoch, batch, failure.layer, session.advice(failure))
        seconds = perf_counter() - begin
        self.seconds += seconds
        self.samples += len(order)
        # Chunks grow at most fourfold at a time: a first one can be slow for reasons of its own.
        wanted = len(factors) * _CHUNK_SECONDS / max(seconds, 1e-6)
        self.chunk = int(min(max(1, wanted), 4 * len(factors)))
        return result

    def _accuracy(self, correct: int | None, samples: int) -> float | None:
        return None if correct is None or self.data.n_classes is None else correct / samples

    def _report(self, batch: int, energy: float, accuracy: float | None) -> None:
        progress = Progress(
            epoch=self.trainer.epochs_done + 1,
            epochs=self.trainer.epochs_done - (self.done - 1) // self.batches + self.epochs,
            batch=batch,
            batches=self.batches,
            energy=float(energy),
            accuracy=accuracy,
            samples_per_second=self.samples / max(self.seconds, 1e-9),
            seconds_left=self.seconds / self.done * (self.total - self.done),
        )
        self.trainer._call("on_chunk", progress)
