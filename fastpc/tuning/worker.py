"""A worker: takes one waiting trial after the other, trains it, and writes down how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastpc import build
from fastpc.errors import DivergenceError, FastPCError
from fastpc.stop import Stop
from fastpc.trainer import Trainer
from fastpc.tuning.results import Row, row_of
from fastpc.tuning.space import Space
from fastpc.tuning.study import SharedStudy, optuna

if TYPE_CHECKING:
    from optuna.trial import Trial

    from fastpc.data import Dataset
    from fastpc.history import EpochRecord
    from fastpc.presets import Preset

PAUSE = 0.3
"""Seconds between two looks at trials that other workers have."""


class Pruning:
    """A callback of the `Trainer` that reports each epoch's validation accuracy, and ends trials that fall behind.

    Parameters
    ----------
    trial : optuna.trial.Trial
        Of a study that maximises.
    epochs : int
        The last of them is never pruned: nothing would be saved.

    Raises
    ------
    optuna.TrialPruned
        From within `Trainer.fit`, where the study's pruner says so.
    """

    def __init__(self, trial: Trial, epochs: int) -> None:
        self._trial, self._epochs = trial, epochs
        # What a life before this one reported, epoch for epoch the same.
        self._known = len(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)

    def on_epoch_end(self, trainer: Any, record: EpochRecord) -> None:
        """Report, and ask."""
        if record.epoch > self._known and record.validation_accuracy is not None:
            self._trial.report(record.validation_accuracy, step=record.epoch - 1)
        if self._known <= record.epoch < self._epochs and self._trial.should_prune():
            raise optuna().TrialPruned


def trainer_of(preset: Preset, data: Dataset, seed: int, threads: int | None) -> Trainer:
    """Return a trainer with an untrained network, as ``fastpc train`` makes them of the same settings."""
    sizes = build.layer_sizes(preset, None, data.n_features, data.n_outputs)
    preset = build.fitted(preset, sizes)
    network = build.network(preset, sizes, seed)
    rule = build.rule(preset, build.encoder(preset, network))
    return Trainer(network, rule, build.optimizer(preset), preset.batch_size, seed=seed, threads=threads)


def run_trial(
    study: SharedStudy,
    trial: Trial,
    space: Space,
    data: tuple[Dataset, Dataset],
    seed: int,
    threads: int | None,
    callbacks: Sequence[object] = (),
    stop: Stop | None = None,
) -> None:
    """Train a trial, and write down how it ended; one that is interrupted waits again.

    A signal that `stop` has noted is followed before training, which follows those that come meanwhile.

    Those that diverge are pruned ones to Optuna, without a value: of those that failed its sampler would learn nothing,
    and draw their like again.
    """
    train, held_out = data
    begin = time.perf_counter()

    def finish(accuracy: float | None, reason: str | None = None, *, pruned: bool = False) -> None:
        trial.set_user_attr("seconds", time.perf_counter() - begin)
        study.finish(trial, accuracy, reason, pruned=pruned)

    try:
        with study.alive(trial):
            preset = space.draw(trial)
            trainer = trainer_of(preset, train, seed, threads)
            trainer.callbacks = [Pruning(trial, preset.epochs), *callbacks]
            if stop is not None:
                stop.follow()
            try:
                history = trainer.fit(train, held_out, preset.epochs)
            except optuna().TrialPruned:
                finish(None, pruned=True)
            except DivergenceError as error:
                finish(None, str(error), pruned=True)
            except (FastPCError, MemoryError) as error:
                finish(None, str(error) or "out of memory")
            else:
                finish(history.epochs[-1].validation_accuracy)
    except optuna().exceptions.UpdateFinishedTrialError:
        return  # this worker was taken for dead, and another has finished the trial
    except BaseException:
        study.give_back(trial)
        raise


def work(
    study: SharedStudy,
    space: Space,
    data: tuple[Dataset, Dataset],
    seed: int,
    threads: int | None,
    *,
    until: float | None,
    stop: Stop | None = None,
    abandoned: Callable[[], bool] = lambda: False,
    tell: Callable[[list[Row]], None] = lambda rows: None,
    callbacks: Sequence[object] = (),
) -> None:
    """Work until every trial is finished, other workers' trials too: one of these may yet be left to us.

    Parameters
    ----------
    study, space, data, seed, threads
        See `fastpc.tuning.search.Search`.
    until : float, optional
        Begin no trial after this moment of `time.monotonic`.
    stop : Stop, optional
        Takes signals, and only notes them from now on: in the middle of a call on the database, none may raise.
    abandoned : callable
        Whether nobody waits for this worker any more.
    tell : callable
        Called with all trials, whenever one may have ended.
    callbacks : sequence
        Of each trial's `Trainer`.
    """
    if stop is not None:
        stop.defer()
    while not abandoned() and (until is None or time.monotonic() < until):
        trial = study.claim()
        if trial is not None:
            run_trial(study, trial, space, data, seed, threads, callbacks, stop)
        if stop is not None:
            stop.follow()
        rows = [row_of(frozen) for frozen in study.all_trials()]
        tell(rows)
        if len(rows) == study.trials and all(row.finished for row in rows):
            return
        if trial is None:
            time.sleep(PAUSE)
