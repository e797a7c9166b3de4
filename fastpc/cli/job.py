"""A training run from the command line: everything is checked before any time is spent."""

import warnings
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc import __version__, build
from fastpc.checks import require_whole
from fastpc.cli import watch
from fastpc.cli.notice import CompileNotice, ResumeNotice
from fastpc.cli.options import say, warn
from fastpc.cli.report import report
from fastpc.cli.result import Result
from fastpc.cli.run import MetricsWriter, RunFolder
from fastpc.errors import CheckpointWarning
from fastpc.presets import Preset
from fastpc.ranks import ALONE, Alone

if TYPE_CHECKING:
    from fastpc.history import History


class Job:
    """A training run whose settings, data and folder are known to fit together.

    Parameters
    ----------
    preset : Preset
        The settings.
    layers : tuple of int, optional
        All layer sizes; by default `preset.hidden` between what the data says.
    source : str
        Where the data comes from; see `fastpc.data.find`.
    validation : float, optional
        The part of the training set to hold out.
    seed : int
        Of the weights, the shuffling and the hold-out.
    threads : int, optional
        How many to compute with.
    out : pathlib.Path, optional
        The folder to write to.
    tensorboard : pathlib.Path, optional
        The folder for TensorBoard's files.
    every : int, optional
        Batches between two checkpoints in the folder.
    resuming : bool
        Go on from the checkpoint in the folder.
    ranks : Alone
        The processes that train together; the first one alone writes and prints.

    Attributes
    ----------
    configuration : dict
        All that decides how the run goes, as the folder keeps it.
    threads : int
        How many it computes with.

    Raises
    ------
    ConfigurationError, DataError
        If anything is wrong with the settings, the folder or the data.
    """

    def __init__(
        self,
        preset: Preset,
        layers: tuple[int, ...] | None,
        source: str,
        validation: float | None,
        seed: int,
        threads: int | None,
        out: Path | None,
        tensorboard: Path | None = None,
        *,
        every: int | None = None,
        resuming: bool = False,
        ranks: Alone = ALONE,
    ) -> None:
        from fastpc.data import find

        require_whole("fastpc train", "--epochs", preset.epochs, at_least=1)
        build.rule(preset)  # what is wrong with it is said before data are looked for
        optimizer = build.optimizer(preset)
        self._ranks = ranks
        self._folder = None if out is None or not ranks.is_first else RunFolder(out)
        self._callbacks: list[Any] = [CompileNotice()]
        if tensorboard is not None and ranks.is_first:
            self._callbacks.append(watch.tensorboard(tensorboard))
        train, self._test = find(source, warn=warn if ranks.is_first else lambda _: None)
        sizes = build.layer_sizes(preset, layers, train.n_features, train.n_outputs)
        self._preset = preset = build.fitted(preset, sizes)
        self._seed = seed
        self._network = build.network(preset, sizes, seed)
        self._encoder = build.encoder(preset, self._network)
        rule = build.rule(preset, self._encoder)
        self._train, self._validation = build.split(train, validation, seed)

        from fastpc.trainer import Trainer  # compiles nothing yet, but loads the compiler
        from fastpc.training_checkpoint import Checkpoint

        self._trainer = Trainer(
            self._network, rule, optimizer, preset.batch_size, seed=seed, threads=threads,
            communicator=None if ranks is ALONE else ranks,
        )  # fmt: skip
        self.threads = self._trainer.threads
        self.configuration = asdict(self._preset) | {
            "layers": sizes,
            "data": train.name,
            "validation": validation,
            "seed": seed,
            "fastpc": __version__,
        }
        self._kept = self.configuration | {"data": lasting(source, train.name), "scale": train.scale}
        settings = {"configuration": self._kept, "every": every}
        self._checkpoint = None if out is None else Checkpoint(out, every, settings)
        self._resuming = resuming

    @classmethod
    def of_folder(cls, folder: Path, threads: int | None, ranks: Alone = ALONE) -> "Job":
        """Return the run that a folder's checkpoint is of, to go on with it.

        Raises
        ------
        CheckpointError
            If there is none, or a damaged one.
        """
        from fastpc.tensor_file import refusal
        from fastpc.training_checkpoint import Checkpoint

        checkpoint = Checkpoint(folder)
        kept: Any = checkpoint.kept_settings()
        try:
            plain: Any = {name: tuple(v) if isinstance(v, list) else v for name, v in kept["configuration"].items()}
            settings: Any = {field.name: plain[field.name] for field in fields(Preset)}
            layers, source, validation, seed = plain["layers"], plain["data"], plain["validation"], plain["seed"]
            every = kept["every"]
        except (KeyError, AttributeError) as error:
            remedy = "resume the run as it was begun, by Trainer.resume"
            raise refusal(checkpoint.path, "settings", "those of fastpc train", "others", remedy) from error
        return cls(
            Preset(**settings), layers, source, validation, seed, threads, folder, every=every, resuming=True,
            ranks=ranks,
        )  # fmt: skip

    def run_and_report(self, *, as_json: bool, quiet: bool) -> None:
        """Run, and print the result."""
        result = self.run(show_progress=not quiet and not as_json)
        if self._ranks.is_first:
            report(result, as_json=as_json, quiet=quiet)

    def run(self, *, show_progress: bool) -> Result:
        """Train, measure the test accuracy once, and keep what is to be kept.

        Ctrl-C and SIGTERM leave the network as it then is in the folder, if there is one, and a checkpoint.

        Raises
        ------
        ConfigurationError
            If another run is at work in the folder.
        DivergenceError
            If training leaves the finite numbers. No model is written then, and an earlier one stays.
        KeyboardInterrupt, SystemExit
            As `Trainer.fit` does.
        """
        with nullcontext() if self._folder is None else self._folder.locked():
            return self._run(show_progress)

    def _run(self, show_progress: bool) -> Result:
        callbacks = list(self._callbacks)
        if self._folder is not None:
            callbacks.append(MetricsWriter(self._folder, self._kept))
            if self._resuming:
                callbacks.append(ResumeNotice(self._folder.path, self._preset.epochs))
        try:
            history = self._fit(callbacks, show_progress)
        except BaseException:
            if self._folder is not None and self._trainer.history.interrupted:
                self._save()
                self._draw_curves(None)
                say(f"Stopped; the network as it stands is saved in {self._folder.model}.")
                if self._checkpoint is not None and self._checkpoint.path.exists():
                    say(f"To go on: fastpc train --resume {self._folder.path}")
            elif self._folder is not None:
                self._folder.abandon()
            raise
        with self._ranks.together():
            self._save()
            if self._folder is not None and self._checkpoint is not None and self._checkpoint.every is None:
                self._checkpoint.path.unlink(missing_ok=True)  # the model is all there is to keep
        evaluation = self._trainer.evaluate(self._test)
        self._draw_curves(evaluation.accuracy)
        return Result(
            network=self._network,
            preset=self._preset,
            data_name=self._train.name,
            seed=self._seed,
            history=history,
            evaluation=evaluation,
            out=None if self._folder is None else self._folder.path,
        )

    def _fit(self, callbacks: list[Any], show_progress: bool) -> "History":
        line: Any = nullcontext()
        if show_progress and self._ranks.is_first:
            from fastpc.cli.progress import ProgressLine, is_terminal

            if is_terminal():
                line = ProgressLine()
                callbacks = [*callbacks, line]
        self._trainer.callbacks = callbacks
        with line, warnings.catch_warnings():
            warnings.simplefilter("always", CheckpointWarning)
            warnings.showwarning = lambda message, *_, **__: warn(str(message))
            if self._resuming and self._checkpoint is not None:
                return self._trainer.resume(self._train, self._validation, checkpoint=self._checkpoint)
            epochs = self._preset.epochs
            return self._trainer.fit(self._train, self._validation, epochs, checkpoint=self._checkpoint)

    def _save(self) -> None:
        if self._folder is not None:
            self._folder.save(self._kept, self._network, self._encoder)

    def _draw_curves(self, test_accuracy: float | None) -> None:
        if self._folder is not None:
            self._folder.draw_curves(test_accuracy, bidirectional=self._preset.rule == "bpc")


def lasting(source: str, name: str) -> str:
    """Return a source that means the same data from any folder, and later too where that can be said."""
    if source in ("mnist", "digits"):
        return source
    if source == "auto":
        return name if name in ("mnist", "digits") else source
    return str(Path(source).absolute())
