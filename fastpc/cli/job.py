"""A training run from the command line: everything is checked before any time is spent."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc import __version__
from fastpc.checks import require_whole
from fastpc.cli import build, watch
from fastpc.cli.notice import CompileNotice
from fastpc.cli.options import say, warn
from fastpc.cli.run import MetricsWriter, RunFolder
from fastpc.presets import Preset

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.evaluation import Evaluation
    from fastpc.history import History
    from fastpc.network import PCNetwork


@dataclass(frozen=True)
class Result:
    """What a run leaves: the network, what was asked for, and how it went."""

    network: "PCNetwork | BidirectionalNetwork"
    preset: Preset
    data_name: str
    seed: int
    history: "History"
    evaluation: "Evaluation"
    out: Path | None


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
    ) -> None:
        from fastpc.data import find

        require_whole("fastpc train", "--epochs", preset.epochs, at_least=1)
        build.rule(preset)  # what is wrong with it is said before data are looked for
        optimizer = build.optimizer(preset)
        self._folder = None if out is None else RunFolder(out)
        self._callbacks: list[Any] = [CompileNotice()]
        if tensorboard is not None:
            self._callbacks.append(watch.tensorboard(tensorboard))
        train, self._test = find(source, warn=warn)
        sizes = build.layer_sizes(preset, layers, train.n_features, train.n_outputs)
        self._preset = replace(preset, hidden=sizes[1:-1])
        if preset.direction == "unsupervised":
            self._preset = replace(self._preset, latents=sizes[0])
        self._source = _lasting(source, train.name)
        self._seed = seed
        self._network = build.network(preset, sizes, seed)
        self._encoder = build.encoder(preset, self._network)
        rule = build.rule(preset, self._encoder)
        self._train, self._validation = build.split(train, validation, seed)

        from fastpc.trainer import Trainer  # compiles nothing yet, but loads the compiler

        self._trainer = Trainer(self._network, rule, optimizer, preset.batch_size, seed=seed, threads=threads)
        self.threads = self._trainer.threads
        self.configuration = asdict(self._preset) | {
            "layers": sizes,
            "data": train.name,
            "validation": validation,
            "seed": seed,
            "fastpc": __version__,
        }

    def run(self, *, show_progress: bool) -> Result:
        """Train, measure the test accuracy once, and keep what is to be kept.

        Ctrl-C leaves the network as it then is in the folder, if there is one.

        Raises
        ------
        DivergenceError
            If training leaves the finite numbers. No model is written then.
        """
        callbacks = list(self._callbacks)
        if self._folder is not None:
            self._folder.begin(self.configuration | {"data": self._source, "scale": self._train.scale})
            callbacks.append(MetricsWriter(self._folder))
        try:
            history = self._fit(callbacks, show_progress)
        except KeyboardInterrupt:
            if self._folder is not None:
                self._folder.save(self._network, self._encoder)
                self._folder.draw_curves(None, bidirectional=self._preset.rule == "bpc")
                say(f"Interrupted; the network as it stands is saved in {self._folder.model}.")
            raise
        if self._folder is not None:
            self._folder.save(self._network, self._encoder)
        evaluation = self._trainer.evaluate(self._test)
        if self._folder is not None:
            self._folder.draw_curves(evaluation.accuracy, bidirectional=self._preset.rule == "bpc")
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
        if show_progress:
            from fastpc.cli.progress import ProgressLine, is_terminal

            if is_terminal():
                line = ProgressLine()
                callbacks = [*callbacks, line]
        self._trainer.callbacks = callbacks
        with line:
            return self._trainer.fit(self._train, self._validation, epochs=self._preset.epochs)


def _lasting(source: str, name: str) -> str:
    """Return a source that means the same data from any folder, and later too where that can be said."""
    if source in ("mnist", "digits"):
        return source
    if source == "auto":
        return name if name in ("mnist", "digits") else source
    return str(Path(source).absolute())
