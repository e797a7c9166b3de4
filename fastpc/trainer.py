"""Trainer: streams batches into the engine, keeps the history, and stops cleanly whatever happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.checks import require_whole
from fastpc.data import Dataset, as_dataset
from fastpc.errors import ConfigurationError, DivergenceError
from fastpc.evaluation import Evaluation
from fastpc.history import History
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam, Optimizer
from fastpc.ranks import as_known, ranks_of
from fastpc.rules import PC, Rule
from fastpc.run import Run
from fastpc.session import Session
from fastpc.stop import Stop
from fastpc.team import Team
from fastpc.training_checkpoint import Checkpoint

# What the engine's buffers and the optimiser's memory are made for.
_SETTINGS = frozenset({"network", "rule", "optimizer", "batch_size", "seed", "threads", "ranks"})


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
        All cores by default. On a machine that is busy with other work a run uses fewer where that is faster; see
        `fastpc.team`. Results do not depend on it, to the last bit.
    callbacks : sequence
        Objects with any of the methods ``on_compile(trainer, data)``, ``on_fit_begin(trainer)``,
        ``on_chunk(trainer, progress)``, ``on_epoch_end(trainer, record)``, ``on_fit_end(trainer, history)``. One that
        sets ``trainer.stop_training`` to True makes the epoch the call's last.
    communicator : mpi4py.MPI.Intracomm or fastpc.ranks.Ranks, optional
        Of the processes that train together, such as ``MPI.COMM_WORLD``: each makes the same trainer and the same calls
        with the same data, and takes its own samples of every batch. Only the first one calls back and writes
        checkpoints. `threads` is then by default a share of the cores.

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
        communicator: Any = None,
    ) -> None:
        from fastpc.engine.threads import available_threads, choose_threads

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
        self.ranks = ranks_of(communicator)
        self._distributed = communicator is not None
        if self._distributed:
            from fastpc.distributed import require_divisible

            require_divisible(self.rule)
        self.threads = self.ranks.share_of(choose_threads(None)) if threads is None else choose_threads(threads)
        self.team = Team(self.threads, available_threads())
        if isinstance(callbacks, str) or not isinstance(callbacks, Iterable):
            raise ConfigurationError(f"expected callbacks to be a sequence of objects, got {callbacks!r}; pass a list")
        self.callbacks = list(callbacks)
        self.chunk = 0  # batches in a call of the engine, as they last took long enough; none are known yet
        self.epochs_done = 0
        self.history = History()
        self.stop_training = False
        self._session: Session | None = None

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS and name in self.__dict__:
            raise AttributeError(f"expected {name} to stay as it was made, got another; make a new Trainer for that")
        super().__setattr__(name, value)

    def fit(
        self, data: object, validation: object = None, epochs: int = 1, *, checkpoint: Checkpoint | None = None
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
        checkpoint : Checkpoint, optional
            Where the run keeps itself, for `resume`. SIGINT and SIGTERM then end it between two calls of the engine,
            with a checkpoint written. Where one cannot be written on the way, a CheckpointWarning says so, and the run
            goes on.

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
        CheckpointError
            If no checkpoint can be written as the run begins.
        KeyboardInterrupt
            On Ctrl-C. The network is then whole and usable, as it was at the end of a chunk of batches; a further call
            begins the interrupted epoch anew.
        SystemExit
            On SIGTERM, with a checkpoint.
        """
        require_whole("Trainer.fit", "epochs", epochs, at_least=0)
        return self._train(data, validation, int(epochs), checkpoint, resuming=False)

    def resume(self, data: object, validation: object = None, *, checkpoint: Checkpoint) -> History:
        """Go on with a run of `fit` from its checkpoint, in this process or another: it ends as if never interrupted.

        To the last bit, in parameters, optimiser and metrics, whatever the number of threads.

        Parameters
        ----------
        data, validation
            The same as in `fit`.
        checkpoint : Checkpoint
            Its folder is where the run keeps itself.

        Returns
        -------
        History
            Of the whole run. One that was finished trains no further.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or of a run with other settings or data; the network is then untouched.
        DataError, DivergenceError, KeyboardInterrupt, SystemExit
            As in `fit`.
        """
        return self._train(data, validation, 0, checkpoint, resuming=True)

    def _train(
        self, data: object, validation: object, epochs: int, checkpoint: Checkpoint | None, *, resuming: bool
    ) -> History:
        with self.ranks.together():
            begin = perf_counter()
            train = as_dataset(data)
            converting = perf_counter() - begin
            held_out = None if validation is None else as_dataset(validation)
            self._require_alike(train)
            session = self._start_session()
            if held_out is not None:
                session.check(held_out)
        begin = perf_counter()
        session.bind(train)
        converting += perf_counter() - begin
        self.history = History()
        self.stop_training = False
        with Stop() if checkpoint is not None or self.ranks.size > 1 else nullcontext(Stop()) as stop:
            run = Run(
                self, session, train, held_out, epochs=epochs, converting=converting, checkpoint=checkpoint,
                stop=stop,
            )  # fmt: skip
            state = None
            with self.ranks.together():
                if checkpoint is not None and resuming and self.ranks.is_first:
                    state = checkpoint.load(run.made_for, session.snapshot())
                elif checkpoint is not None and checkpoint.every is not None and self.ranks.is_first:
                    run.save()
            if (state := self.ranks.from_first(state)) is not None:
                run.restore(state)
            try:
                self._call("on_compile", train)
                self.history.compile_seconds = session.compile()
                self._run(run, stop)
            except BaseException as error:
                # Weights burst on all ranks alike, and a stop is agreed upon.
                if isinstance(error, DivergenceError) or stop.signal is not None:
                    as_known(error)
                self.ranks.abort(error)
                raise
        return self.history

    def _run(self, run: Run, stop: Stop) -> None:
        try:
            self._call("on_fit_begin")
            stop.defer()
            run.train()
        except (KeyboardInterrupt, SystemExit):
            self.history.interrupted = True
            raise
        finally:
            self._call("on_fit_end", self.history)

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
            made_of = self.network, self.optimizer, self.batch_size, self.threads
            if self._distributed:
                from fastpc.distributed import DistributedSession

                self._session = DistributedSession(self.rule, *made_of, self.ranks)  # type: ignore[arg-type]
            else:
                self._session = self.rule.session(*made_of)
        return self._session

    def _call(self, method: str, *arguments: Any) -> None:
        for callback in self.callbacks if self.ranks.is_first else ():
            function = getattr(callback, method, None)
            if function is not None:
                function(self, *arguments)
