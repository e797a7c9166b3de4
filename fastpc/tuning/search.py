"""A search for settings by their accuracy on a part of the training set that is held out."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fastpc.checks import require_choice, require_number, require_whole
from fastpc.data import Dataset, as_dataset, find_training
from fastpc.errors import ConfigurationError, DataError, WorkerError
from fastpc.extras import load
from fastpc.presets import Preset
from fastpc.stop import Stop
from fastpc.training_checkpoint import data_digest
from fastpc.tuning.results import Row, Searched, best_of, row_of
from fastpc.tuning.space import GIVEN, SEARCHABLE, Space, space_of
from fastpc.tuning.study import PRUNERS, SharedStudy, optuna, quietly
from fastpc.tuning.worker import PAUSE, trainer_of, work

DATABASE = "study.db"
OUT = Path("tuned")
NAME = "fastpc"


@dataclass(frozen=True)
class Search:
    """Trains trials on a training set, and holds each to its accuracy on a part that is held out.

    No test set takes part: there is none to give.

    Parameters
    ----------
    space : Space
        What is searched.
    data : Dataset
        The training set, of labels.
    trials : int
        How many there are to be in the study, of all workers together and of earlier calls too.
    out : pathlib.Path
        The folder of the study's SQLite file, made where it is missing.
    storage : str, optional
        The URL of another database, which many machines can share.
    name : str
        Of the study there.
    validation : float
        The part of `data` to hold out.
    seed : int
        Of weights, shuffling, hold-out and of what is drawn: with one worker, the same seed makes the same trials, also
        where the study was interrupted.
    pruner : "median", "halving" or "none"
        Ends trials after an epoch: below the median of the others' at that epoch; by successive halving; or never.
    timeout : float, optional
        Begin no trial after so many seconds.
    jobs : int
        Worker processes, between which the threads are divided.
    threads : int, optional
        All cores by default.

    Raises
    ------
    ConfigurationError, DataError
        If anything is wrong with a setting, or the data have no labels.
    DependencyError
        If Optuna is missing.
    """

    space: Space
    data: Dataset = field(repr=False)
    trials: int = 20
    out: Path = OUT
    storage: str | None = None
    name: str = NAME
    validation: float = 0.1
    seed: int = 0
    pruner: str = "median"
    timeout: float | None = None
    jobs: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        from fastpc.engine.threads import choose_threads

        optuna()
        for name, least in (("trials", 1), ("jobs", 1), ("seed", 0)):
            require_whole("fastpc tune", f"--{name}", getattr(self, name), at_least=least)
        require_number("fastpc tune", "--validation", self.validation, above=0, below=1)
        if self.timeout is not None:
            require_number("fastpc tune", "--timeout", self.timeout, above=0)
        require_choice("--pruner", self.pruner, PRUNERS)
        choose_threads(self.threads)
        if not self.name:
            raise ConfigurationError("expected --study to be a name, got an empty one; write it like --study first")
        if self.data.n_classes is None:
            raise DataError(
                "expected labels to search by their recognition, got targets that are none; give integers from 0"
            )

    @cached_property
    def parts(self) -> tuple[Dataset, Dataset]:
        """What trials train on, and what they are held to."""
        return self.data.split(self.validation, self.seed)

    @property
    def url(self) -> str:
        """Where the trials are."""
        if self.storage is not None:
            return self.storage
        sqlalchemy = load("sqlalchemy", "searches", "tune")
        path = str((self.out / DATABASE).absolute())
        return str(sqlalchemy.URL.create("sqlite", database=path).render_as_string(hide_password=False))

    def open(self) -> SharedStudy:
        """Return the study in its database, made where it is missing.

        Raises
        ------
        ConfigurationError
            If it cannot be opened, or is of another search.
        """
        if self.storage is None:
            try:
                self.out.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"expected --out to be a folder that can be written to, got {str(self.out)!r} "
                    f"({error.strerror or error}); choose another folder"
                ) from error
        described = self.space.described() | {
            "data": data_digest(self.data),
            "validation": self.validation,
            "seed": self.seed,
            "pruner": self.pruner,
        }
        start = self.space.start()
        return SharedStudy(
            self.url, self.name, self.trials, seed=self.seed, pruner=self.pruner, described=described, start=start
        )

    def run(self, tell: Callable[[list[Row]], None] = lambda rows: None, callbacks: Sequence[object] = ()) -> Searched:
        """Finish what is left of the study's trials.

        Parameters
        ----------
        tell : callable
            Called with all trials, whenever one may have ended.
        callbacks : sequence
            Of each trial's `Trainer`, where there is one worker.

        Raises
        ------
        WorkerError
            If all worker processes died.
        KeyboardInterrupt, SystemExit
            On Ctrl-C and SIGTERM. Trials under way wait again; a further call goes on.
        """
        until = None if self.timeout is None else time.monotonic() + self.timeout
        with quietly(), Stop() as stop:
            study = self.open()
            if self.jobs == 1:
                work(
                    study, self.space, self.parts, self.seed, self.threads,
                    until=until, stop=stop, tell=tell, callbacks=callbacks,
                )  # fmt: skip
            else:
                self._run_processes(study, tell)
            return self.result(study)

    def result(self, study: SharedStudy | None = None) -> Searched:
        """Return how the trials stand."""
        with quietly():
            rows = [row_of(trial) for trial in (study or self.open()).all_trials()]
            best = best_of(rows)
            found = None if best is None else self.space.draw(optuna().trial.FixedTrial(best.settings))
        return Searched(rows, found, self.trials)

    def trainer(self, preset: Preset) -> Any:
        """Return the trainer of a trial with these settings, its network untrained."""
        return trainer_of(preset, self.data, self.seed, self.threads)

    def _run_processes(self, study: SharedStudy, tell: Callable[[list[Row]], None]) -> None:
        """Start the workers, and wait for them."""
        from fastpc.engine.threads import choose_threads

        share = max(1, choose_threads(self.threads) // self.jobs)
        context = multiprocessing.get_context("spawn")  # a forked child runs on one thread alone
        one = replace(self, jobs=1, threads=share)
        workers = [context.Process(target=_work, args=(one,)) for _ in range(self.jobs)]
        try:
            with _ctrl_c_left_to_us():
                for worker in workers:
                    worker.start()
            while any(worker.is_alive() for worker in workers):
                time.sleep(PAUSE)
                tell([row_of(trial) for trial in study.all_trials()])
        except BaseException:
            for worker in workers:
                if worker.is_alive():
                    worker.terminate()  # which lets its trial wait again
            raise
        finally:
            for worker in workers:
                if worker.pid is not None:
                    worker.join()
        rows = [row_of(trial) for trial in study.all_trials()]
        tell(rows)
        left = self.trials - sum(row.finished for row in rows)
        if left and self.timeout is None:
            codes = ", ".join(str(worker.exitcode) for worker in workers)
            raise WorkerError(
                f"expected {self.jobs} workers to finish all trials, got exit codes {codes} with {left} left; give the "
                "same command again to go on"
            )


def _work(search: Search) -> None:
    """Run one of several workers; it ends when its parent does."""
    parent = multiprocessing.parent_process()
    until = None if search.timeout is None else time.monotonic() + search.timeout
    with quietly(), Stop() as stop:
        work(
            search.open(), search.space, search.parts, search.seed, search.threads,
            until=until, stop=stop, abandoned=lambda: parent is not None and not parent.is_alive(),
        )  # fmt: skip


@contextlib.contextmanager
def _ctrl_c_left_to_us() -> Iterator[None]:
    """Let processes that are started now ignore Ctrl-C, which a terminal sends to all: we end them in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tune(
    data: object,
    trials: int = 20,
    *,
    base: Preset | None = None,
    search: str | None = None,
    out: str | Path = OUT,
    storage: str | None = None,
    study: str = NAME,
    validation: float = 0.1,
    seed: int = 0,
    pruner: str = "median",
    timeout: float | None = None,
    jobs: int = 1,
    threads: int | None = None,
    **settings: Any,
) -> Searched:
    """Search for the settings that recognise most of a held-out part of a training set.

    Parameters
    ----------
    data : str, or anything `fastpc.data.as_dataset` takes
        A training set, or the name of a source, of which the training set alone is read.
    trials, out, storage, validation, seed, pruner, timeout, jobs, threads
        As `Search` takes them. With several `jobs`, a script has to guard its main part, as with ``multiprocessing``.
    base : Preset, optional
        What all that is not searched is taken from.
    search : str, optional
        Names of settings to search, with commas between them.
    study : str
        The study's name in its database.
    **settings
        Options of ``fastpc tune`` by their names: a value fixes a setting, and text such as ``"0.0001:0.01"`` or
        ``"relu,gelu"`` searches it; ``hidden=(256, 256)`` fixes the hidden layers.

    Returns
    -------
    Searched
        The trials, and all settings of the best one.

    Raises
    ------
    ConfigurationError, DataError, DependencyError
        As `Search` does.
    """
    known = {*SEARCHABLE, *GIVEN} - {"learning_rate"}
    for name in settings:
        require_choice("settings", name, tuple(sorted(known)))
    texts = {name: None if value is None else str(value) for name, value in settings.items() if name in SEARCHABLE}
    fixed = {name: value for name, value in settings.items() if name not in SEARCHABLE}
    space = space_of(base, texts, fixed, search)
    train = find_training(data) if isinstance(data, str) else as_dataset(data)
    made = Search(
        space, train, trials, Path(out), storage, study, validation, seed, pruner, timeout, jobs, threads,
    )  # fmt: skip
    return made.run()
