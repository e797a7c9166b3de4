"""A run: epochs of batches, cut into calls of the engine, which can stop anywhere and go on elsewhere."""

from __future__ import annotations

import warnings
from functools import cached_property
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset, Shuffle
from fastpc.data.shuffle import batches
from fastpc.errors import CheckpointError, CheckpointWarning, DivergenceError
from fastpc.history import EpochRecord, History, Progress
from fastpc.rules import TileRule
from fastpc.session import ChunkResult, Session
from fastpc.training_checkpoint import Checkpoint, RunState, data_digest, describe

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.ranks import Alone
    from fastpc.rules import Rule
    from fastpc.stop import Stop
    from fastpc.team import Team

# A call of the engine should last about this long: short enough for a live display and for Ctrl-C, long enough that
# what Python does between calls does not count.
_CHUNK_SECONDS = 0.2
_FIRST_CHUNK, _FIRST_SAMPLES, _FIRST_MULTIPLICATIONS = 16, 65_536, 2_000_000_000


class Driver(Protocol):
    """What a run takes from its trainer, and tells it."""

    network: PCNetwork | BidirectionalNetwork
    rule: Rule
    optimizer: Optimizer
    batch_size: int
    seed: int
    epochs_done: int
    team: Team
    chunk: int
    history: History
    stop_training: bool
    ranks: Alone

    def _call(self, method: str, *arguments: Any) -> None:
        """Call back."""


class Run:
    """One call of `Trainer.fit`, from any of its batches on.

    Parameters
    ----------
    trainer : Trainer
        Its `history` grows by a record for each epoch, and its `epochs_done` counts them.
    session : Session
        Bound to `data`.
    data, held_out : Dataset
        To learn from, and to measure after every epoch if there is one.
    epochs : int
        How many to train for.
    converting : float
        Seconds that the first epoch took already.
    checkpoint : Checkpoint, optional
    stop : Stop
        Followed after a call of the engine and its checkpoint.
    """

    def __init__(
        self,
        trainer: Driver,
        session: Session,
        data: Dataset,
        held_out: Dataset | None,
        *,
        epochs: int,
        converting: float,
        checkpoint: Checkpoint | None,
        stop: Stop,
    ) -> None:
        self.trainer, self.session, self.data, self.held_out = trainer, session, data, held_out
        self.epochs, self.first_epoch = epochs, trainer.epochs_done
        self.checkpoint, self.stop = checkpoint, stop
        self.shuffle = Shuffle(len(data), trainer.seed)
        self.batches = batches(len(data), trainer.batch_size)
        self.total = self.batches * epochs
        self.done = self.samples = 0
        self.seconds = self.epoch_seconds = converting
        self.energies = np.zeros(0)
        self.correct: int | None = None
        if trainer.chunk == 0:
            # Bounded by work as well, so that Ctrl-C is heard soon however deep, wide or long the relaxation.
            work = trainer.network.n_parameters * trainer.batch_size * (2 * _most_steps(trainer) + 4)
            first = min(_FIRST_CHUNK, _FIRST_SAMPLES // trainer.batch_size, _FIRST_MULTIPLICATIONS // work)
            trainer.chunk = max(1, first)

    @cached_property
    def made_for(self) -> dict[str, Any]:
        """What has to be the same for a run to go on as it would have; threads do not."""
        trainer = self.trainer
        return {
            "network": describe(trainer.network),
            "network's seed": trainer.network.seed,
            "rule": describe(trainer.rule),
            "optimizer": describe(trainer.optimizer),
            "batch_size": trainer.batch_size,
            "seed": trainer.seed,
            "training data": data_digest(self.data),
            "validation data": None if self.held_out is None else data_digest(self.held_out),
        }

    def restore(self, state: RunState) -> None:
        """Go on from where a checkpoint was written."""
        self.session.restore(state.session)
        self.epochs, self.first_epoch, self.done = state.epochs, state.first_epoch, state.done
        self.total = self.batches * self.epochs
        self.energies, self.correct = state.energies, state.correct
        self.trainer.history.epochs[:] = state.history
        self.trainer.epochs_done = self.first_epoch + len(state.history)
        self.epoch_seconds += state.seconds
        self.seconds += state.seconds + self.trainer.history.train_seconds
        in_epoch = self.done % self.batches * self.trainer.batch_size
        self.samples = self.done // self.batches * len(self.data) + in_epoch

    def save(self) -> None:
        """Write the checkpoint.

        Raises
        ------
        CheckpointError
            If it cannot be written; the one before is then still there.
        """
        assert self.checkpoint is not None
        state = RunState(
            session=self.session.snapshot(),
            energies=self.energies,
            history=self.trainer.history.epochs,
            epochs=self.epochs,
            first_epoch=self.first_epoch,
            done=self.done,
            correct=self.correct,
            seconds=self.epoch_seconds,
        )
        self.checkpoint.save(state, self.made_for)

    def train(self) -> None:
        """Train from where the run stands to its end."""
        while self.done < self.total:
            self._train_epoch()
            self._pause()
            if self.trainer.ranks.from_first(self.trainer.stop_training):
                break

    def _train_epoch(self) -> None:
        """Train on the rest of the epoch's batches, and record what was measured."""
        trainer, size, n = self.trainer, self.trainer.batch_size, len(self.data)
        epoch, first = trainer.epochs_done, self.done % self.batches
        begin = perf_counter()
        order = self.shuffle.order(epoch)
        self.session.epoch = epoch
        self._spend(perf_counter() - begin)
        while True:
            chunk = max(1, trainer.chunk // 4) if trainer.team.trying else trainer.chunk
            count = min(chunk, self.batches - first)
            if self.checkpoint is not None and self.checkpoint.every is not None:
                count = min(count, self.checkpoint.every - self.done % self.checkpoint.every)
            count = trainer.ranks.from_first(count)  # clocks differ
            factors = trainer.optimizer.schedule.factors(self.done, count, self.total, self.batches)
            result = self._run(order[first * size : (first + count) * size], factors, epoch, first)
            samples = np.minimum(size, n - size * np.arange(first, first + count))
            self._add(result, samples)
            first += count
            self.done += count
            self._report(epoch, first)
            if first == self.batches:
                break
            self._pause()
        validation = None if self.held_out is None else self._validate(self.held_out, epoch)
        record = EpochRecord(
            epoch=epoch + 1,
            energy=tuple(float(energy) for energy in self.energies / n),
            accuracy=self._accuracy(n),
            validation_accuracy=validation,
            samples=n,
            train_seconds=self.epoch_seconds,
            learning_rate=trainer.optimizer.learning_rate * float(factors[-1]),
            state_step=float(getattr(self.session, "state_step", np.nan)),
        )
        self.energies, self.correct, self.epoch_seconds = np.zeros(0), None, 0.0
        trainer.history.epochs.append(record)
        trainer.epochs_done += 1
        trainer._call("on_epoch_end", record)

    def _run(self, order: NDArray[np.int64], factors: NDArray[np.float64], epoch: int, first: int) -> ChunkResult:
        begin, processor_begin = perf_counter(), process_time()
        session, team = self.session, self.trainer.team
        snapshot = self.last_good = session.snapshot()
        session.threads = team.threads
        try:
            result = session.run(order, factors)
        except BaseException:
            # Ctrl-C surfaces as the kernel returns, before anything could be checked.
            session.restore(snapshot)
            raise
        if result.failure is not None:
            failure = result.failure
            session.restore(snapshot)
            advice = session.advice(failure, order, factors)
            raise DivergenceError(failure.cause, epoch + 1, first + failure.batch + 1, failure.layer, advice)
        seconds = perf_counter() - begin
        self._spend(seconds)
        team.record(len(order), seconds, process_time() - processor_begin)
        self.samples += len(order)
        # Chunks grow to four times what was run at most: a few small batches tell little of many large ones.
        wanted = len(factors) * _CHUNK_SECONDS / max(seconds, 1e-6)
        self.trainer.chunk = int(min(max(1, wanted), max(4 * len(factors), self.trainer.chunk)))
        return result

    def _validate(self, data: Dataset, epoch: int) -> float | None:
        """Return the accuracy. Weights that burst in the epoch's last step may be finite where outputs are not."""
        try:
            return self.session.evaluate(data).accuracy
        except DivergenceError as error:
            self.session.restore(self.last_good)
            cause = f"with the weights it left, {error.cause}"
            raise DivergenceError(cause, epoch + 1, self.batches, error.layer, error.advice) from None

    def _spend(self, seconds: float) -> None:
        self.seconds += seconds
        self.epoch_seconds += seconds

    def _add(self, result: ChunkResult, samples: NDArray[np.int64]) -> None:
        """Add a chunk's measurements to the epoch's: batch after batch, so that the chunks' lengths change no bit."""
        terms = samples[:, None] * result.energies
        before = self.energies if len(self.energies) else np.zeros(terms.shape[1])
        self.energies = np.add.accumulate(np.vstack([before, terms]))[-1]
        if result.correct is not None:
            self.correct = (self.correct or 0) + int(result.correct.sum())

    def _pause(self) -> None:
        """Between two calls of the engine: write a checkpoint where one is due or a signal came, and follow that."""
        # One that comes while the file is written is followed next time.
        signals = [number for number in self.trainer.ranks.joined(self.stop.signal) if number is not None]
        stopped = bool(signals)
        if self.checkpoint is not None and self.trainer.ranks.is_first:
            every = self.checkpoint.every
            due = every is not None and (self.done % every == 0 or self.done == self.total)
            if due or stopped:
                try:
                    self.save()
                except CheckpointError as error:
                    # What was trained is worth more than this file; the next one may find room.
                    warnings.warn(CheckpointWarning(str(error)), stacklevel=2)
        if stopped:
            self.stop.signal = signals[0]
            self.stop.follow()

    def _accuracy(self, samples: int) -> float | None:
        return None if self.correct is None or self.data.n_classes is None else self.correct / samples

    def _report(self, epoch: int, batch: int) -> None:
        seen = min(batch * self.trainer.batch_size, len(self.data))
        progress = Progress(
            epoch=epoch + 1,
            epochs=self.first_epoch + self.epochs,
            batch=batch,
            batches=self.batches,
            energy=float(self.energies.sum() / seen),
            accuracy=self._accuracy(seen),
            samples_per_second=self.samples / max(self.seconds, 1e-9),
            seconds_left=self.seconds / self.done * (self.total - self.done),
        )
        self.trainer._call("on_chunk", progress)


def _most_steps(trainer: Driver) -> int:
    rule = trainer.rule
    return rule.steps_for(trainer.network.n_layers) if isinstance(rule, TileRule) else int(getattr(rule, "steps", 1))
