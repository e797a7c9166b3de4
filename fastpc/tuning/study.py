"""The trials of a search, in a database that processes and machines share.

Optuna keeps them. What is added is that there are exactly as many as were asked for: a trial is made waiting, a worker
takes one by a change of its state that only one can make, and numbers beyond those asked for are never taken. A trial
whose worker is gone waits again, with what was drawn for it, under the number it had.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc.errors import ConfigurationError
from fastpc.extras import load

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial, Trial

BEAT, GRACE = 5, 60
"""Seconds between two signs of life of a worker, and after how many without one it counts as gone."""
MOST_LIVES = 3
"""A trial that took as many workers with it is not given to another."""
PATIENCE = 60
"""Seconds to wait for other workers' turn at an SQLite file."""
PRUNERS = ("median", "halving", "none")


def optuna() -> Any:
    """Return Optuna.

    Raises
    ------
    DependencyError
        If it is missing.
    """
    return load("optuna", "searches", "tune")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep Optuna's log and its remarks on what is experimental to itself."""
    verbosity = optuna().logging.get_verbosity()
    optuna().logging.set_verbosity(optuna().logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna().exceptions.ExperimentalWarning)
            yield
    finally:
        optuna().logging.set_verbosity(verbosity)


class SharedStudy:
    """A study in a database, made where it is missing.

    Parameters
    ----------
    url : str
        Of the database, as SQLAlchemy writes them.
    name : str
        Of the study; a database may hold several.
    trials : int
        How many trials there are to be, of all workers together.
    seed : int
        Of the sampler. Each trial has a generator of its own, so that a study that was interrupted goes on alike.
    pruner : "median", "halving" or "none"
    described : dict
        What all workers of the study must have alike.
    start : dict
        Parameters of the first trial.

    Raises
    ------
    ConfigurationError
        If the database cannot be opened, or the study there is of another search.
    DependencyError
        If Optuna is missing.
    """

    def __init__(
        self,
        url: str,
        name: str,
        trials: int,
        *,
        seed: int,
        pruner: str,
        described: dict[str, Any],
        start: dict[str, Any],
    ) -> None:
        self.trials, self.seed = trials, seed
        self.worker = f"{platform.node()}:{os.getpid()}"
        self._storage = _opened(url)
        pruners = optuna().pruners
        self.study = optuna().create_study(
            study_name=name,
            storage=self._storage,
            direction="maximize",
            load_if_exists=True,
            pruner={"median": pruners.MedianPruner, "halving": pruners.SuccessiveHalvingPruner}.get(
                pruner, pruners.NopPruner
            )(),
        )
        self._id = self._storage.get_study_id_from_name(name)
        self._require_alike(name, described)
        self._start = start

    def all_trials(self) -> list[FrozenTrial]:
        """Return those trials that there are of the ones asked for, in the order of their numbers."""
        found = self.study.get_trials(deepcopy=False)
        return [trial for trial in found if trial.number < self.trials]

    def claim(self) -> Trial | None:
        """Return a trial that waited or is new, and is now this worker's; None if all are others' or finished."""
        self._release_dead()
        while True:
            trial = self._claim_waiting()
            if trial is not None or (count := len(self.all_trials())) >= self.trials:
                return trial
            # Should two workers do so at once there may be more than were asked for: the last ones are left alone.
            self.study.enqueue_trial({} if count else self._start)

    def _claim_waiting(self) -> Trial | None:
        state = optuna().trial.TrialState
        for frozen in self.all_trials():
            if frozen.state != state.WAITING:
                continue
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._id, frozen.number)
            # Before it is taken: one that is running without a sign of life would never count as abandoned.
            self._storage.record_heartbeat(trial_id)
            try:
                if not self._storage.set_trial_state_values(trial_id, state.RUNNING):
                    continue
            except optuna().exceptions.UpdateFinishedTrialError:
                continue
            self.study.sampler = self._sampler(frozen.number)
            trial: Trial = optuna().trial.Trial(self.study, trial_id)
            trial.set_user_attr("worker", self.worker)
            lives = int(frozen.user_attrs.get("lives", 0)) + 1
            trial.set_user_attr("lives", lives)
            if lives > MOST_LIVES:
                self.finish(trial, None, f"{MOST_LIVES} workers died of it")
                continue
            return trial
        return None

    def release(self, number: int) -> None:
        """Let a trial wait again, unless it is finished."""
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
        with contextlib.suppress(optuna().exceptions.UpdateFinishedTrialError):
            # Or the next worker's trial would be taken for the last one's until it has written its own name.
            self._storage.set_trial_user_attr(trial_id, "worker", "")
            self._storage.set_trial_state_values(trial_id, optuna().trial.TrialState.WAITING)

    def give_back(self, trial: Trial) -> None:
        """Let a trial wait again that was interrupted; it does not count against its lives."""
        with contextlib.suppress(optuna().exceptions.UpdateFinishedTrialError):
            trial.set_user_attr("lives", trial.user_attrs["lives"] - 1)
        self.release(trial.number)

    def finish(self, trial: Trial, accuracy: float | None, reason: str | None = None, *, pruned: bool = False) -> None:
        """Write down how a trial ended: with an accuracy, pruned, or without one for a reason.

        Raises
        ------
        optuna.exceptions.UpdateFinishedTrialError
            If another worker did so meanwhile.
        """
        state = optuna().trial.TrialState
        if reason is not None:
            trial.set_user_attr("reason", reason)
        ended = state.PRUNED if pruned else state.FAIL if accuracy is None else state.COMPLETE
        self.study.tell(trial, accuracy, state=ended, skip_if_finished=True)

    @contextlib.contextmanager
    def alive(self, trial: Trial) -> Iterator[None]:
        """Give signs of life for a trial while the block runs."""
        over = threading.Event()
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._id, trial.number)

        def beat() -> None:
            while not over.wait(BEAT):
                # A database out of reach for a moment is no reason to end the trial.
                with contextlib.suppress(Exception):
                    self._storage.record_heartbeat(trial_id)
            self._storage.remove_session()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _release_dead(self) -> None:
        """Let trials wait again whose workers are gone: known to be, on this machine, or silent for long."""
        state = optuna().trial.TrialState
        silent = set(self._storage._get_stale_trial_ids(self._id))
        for frozen in self.all_trials():
            if frozen.state != state.RUNNING:
                continue
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._id, frozen.number)
            if trial_id in silent or _is_dead(frozen.user_attrs.get("worker")):
                self.release(frozen.number)

    def _sampler(self, number: int) -> Any:
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        return optuna().samplers.TPESampler(seed=seed, constant_liar=True)

    def _require_alike(self, name: str, described: dict[str, Any]) -> None:
        """Write down what the search is, or raise unless it is the one that was written down."""
        plain = json.loads(json.dumps(described))
        kept = self.study.user_attrs.get("search")
        if kept is None:
            self.study.set_user_attr("search", plain)
        elif kept != plain:
            what, ours, theirs = _difference(plain, kept)
            raise ConfigurationError(
                f"expected the search that study {name!r} was begun with, {what}{theirs}, got {ours}; give the same "
                "options, or another --study"
            )


def _opened(url: str) -> RDBStorage:
    """Return the database."""
    storages, sqlalchemy = optuna().storages, load("sqlalchemy", "searches", "tune")
    last: Exception | None = None
    for attempt in range(5):
        try:
            options = {"connect_args": {"timeout": PATIENCE}} if url.startswith("sqlite:") else {}
            storage: RDBStorage = storages.RDBStorage(
                url, engine_kwargs=options, heartbeat_interval=BEAT, grace_period=GRACE
            )
        except (sqlalchemy.exc.OperationalError, sqlalchemy.exc.IntegrityError) as error:
            last = error  # another process makes the same tables
            time.sleep(0.2 * (attempt + 1))
        except (sqlalchemy.exc.SQLAlchemyError, ImportError, ValueError, RuntimeError) as error:
            last = error
            break
        else:
            if url.startswith("sqlite:"):
                # SQLite knows no lock on a row: without one on the file, two workers could take the same trial.
                sqlalchemy.event.listen(storage.engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
            return storage
    reason = str(getattr(last, "orig", None) or last).splitlines()[0].rstrip(".")
    raise ConfigurationError(
        f"expected --storage to be the URL of a database that can be opened, got none ({reason}); write it like "
        "sqlite:///search.db or postgresql://user@host/name, and install its driver"
    ) from last


def _is_dead(worker: object) -> bool:
    """Return whether a worker is a process of this machine that no longer exists."""
    host, _, pid = str(worker).rpartition(":")
    if host != platform.node() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's
        return False
    return False


def _difference(here: Any, there: Any, name: str = "") -> tuple[str, Any, Any]:
    """Return the first thing that two descriptions do not have alike, and what it is in each."""
    if isinstance(here, dict) and isinstance(there, dict):
        key = next(key for key in sorted({*here, *there}) if here.get(key) != there.get(key))
        return _difference(here.get(key), there.get(key), f"{key} ")
    return name, here, there
