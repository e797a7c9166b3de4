"""The folder of a run: the model, one line of metrics for each epoch, and the settings."""

import json
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc.cli import configuration
from fastpc.cli.options import warn
from fastpc.errors import CheckpointError, ConfigurationError
from fastpc.files import write_whole
from fastpc.lock import locked

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.history import EpochRecord
    from fastpc.network import PCNetwork

MODEL, METRICS, CONFIGURATION, CURVES = "model.safetensors", "metrics.jsonl", configuration.NAME, "curves.png"
ENCODER = "encoder.safetensors"


class RunFolder:
    """A folder that can be written to, checked before any time is spent on training.

    What an earlier run left stays until this one has a model of its own.

    Parameters
    ----------
    path : pathlib.Path
        Created where it is missing, with the folders above it.

    Raises
    ------
    ConfigurationError
        If the folder cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._earlier: bytes | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            # Permissions alone do not tell: the file system may be full or read-only.
            with tempfile.TemporaryFile(dir=path):
                pass
            for name in (MODEL, METRICS, CONFIGURATION, CURVES):
                if (path / name).is_dir():
                    raise IsADirectoryError(f"{name} is a folder")
        except OSError as error:
            raise ConfigurationError(
                f"expected --out to be a folder that can be written to, got {str(path)!r} "
                f"({error.strerror or error}); choose another folder"
            ) from error

    @property
    def model(self) -> Path:
        """Where the model is, once it is saved."""
        return self.path / MODEL

    def locked(self) -> AbstractContextManager[None]:
        """Return what keeps other runs out of the folder."""
        return locked(self.path)

    def begin(self, settings: dict[str, Any], history: "list[EpochRecord]") -> None:
        """Write the metrics of the epochs that are over, and the settings where no earlier model needs its own."""
        metrics = self.path / METRICS
        self._earlier = metrics.read_bytes() if self.model.exists() and metrics.exists() else None
        if not self.model.exists():
            configuration.write(settings, self.path / CONFIGURATION)
        self.write_metrics(history)

    def write_metrics(self, history: "list[EpochRecord]") -> None:
        """Write a line for each epoch, over what is there."""
        write_whole(self.path / METRICS, "".join(_line(record) for record in history).encode())

    def add_metrics(self, record: "EpochRecord") -> None:
        """Append one line; it is on disk even if the run ends badly later."""
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(_line(record))

    def save(
        self,
        settings: dict[str, Any],
        network: "PCNetwork | BidirectionalNetwork",
        encoder: "PCNetwork | None" = None,
    ) -> None:
        """Write the model, whole or not at all, after the settings and its encoder where there is one."""
        (self.path / CURVES).unlink(missing_ok=True)  # an earlier model's
        configuration.write(settings, self.path / CONFIGURATION)
        if encoder is not None:
            encoder.save(self.path / ENCODER)
        network.save(self.model)

    def abandon(self) -> None:
        """Give an earlier model its metrics back."""
        if self._earlier is not None:
            write_whole(self.path / METRICS, self._earlier)

    def draw_curves(self, test_accuracy: float | None, *, bidirectional: bool) -> None:
        """Draw the learning curves, where matplotlib is installed and an epoch was finished."""
        from fastpc import plots

        metrics = read_metrics(self.path)
        if metrics and plots.available():
            figure = plots.learning_curves(metrics, test_accuracy=test_accuracy, bidirectional=bidirectional)
            try:
                plots.save_figure(figure, self.path / CURVES)
            except ConfigurationError as error:  # no reason to call a run failed
                warn(str(error))


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the metrics of each epoch that a run's folder has; none where it has none."""
    try:
        lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"expected a line of JSON for each epoch in {str(folder / METRICS)!r}, got {error}; remove the file"
        ) from error


class MetricsWriter:
    """A callback of the `Trainer` that writes each epoch's metrics into a run's folder."""

    def __init__(self, folder: RunFolder, settings: dict[str, Any]) -> None:
        self._folder, self._settings = folder, settings
        self._behind = False

    def on_compile(self, trainer: Any, data: Any) -> None:
        """Begin, or go on where the trainer does."""
        self._folder.begin(self._settings, trainer.history.epochs)

    def on_epoch_end(self, trainer: Any, record: "EpochRecord") -> None:
        """Append the epoch's line; where that cannot be done, say so, and write it with the next one's."""
        try:
            if self._behind:
                self._folder.write_metrics(trainer.history.epochs)
            else:
                self._folder.add_metrics(record)
            self._behind = False
        except (OSError, CheckpointError) as error:
            self._behind = True
            warn(f"the metrics of epoch {record.epoch} could not be written ({error}); free some space")


def _line(record: "EpochRecord") -> str:
    """Return the numbers of one epoch as a line of JSON."""
    metrics = {
        "epoch": record.epoch,
        "energy": [float(energy) for energy in record.energy],
        "accuracy": record.accuracy,
        "validation_accuracy": record.validation_accuracy,
        "samples": record.samples,
        "train_seconds": record.train_seconds,
        "samples_per_second": record.samples_per_second,
        "learning_rate": record.learning_rate,
    }
    return json.dumps(metrics) + "\n"
