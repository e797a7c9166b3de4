"""The folder of a run: the model, one line of metrics for each epoch, and the settings."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc.cli.options import warn
from fastpc.errors import CheckpointError, ConfigurationError
from fastpc.files import write_whole

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.history import EpochRecord
    from fastpc.network import PCNetwork

MODEL, METRICS, CONFIGURATION = "model.safetensors", "metrics.jsonl", "config.json"
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
            for name in (MODEL, METRICS, CONFIGURATION):
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

    def begin(self, configuration: dict[str, Any], history: "list[EpochRecord]") -> None:
        """Write the metrics of the epochs that are over, and the settings where no earlier model needs its own."""
        metrics = self.path / METRICS
        self._earlier = metrics.read_bytes() if self.model.exists() and metrics.exists() else None
        if not self.model.exists():
            self._write_configuration(configuration)
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
        configuration: dict[str, Any],
        network: "PCNetwork | BidirectionalNetwork",
        encoder: "PCNetwork | None" = None,
    ) -> None:
        """Write the model, whole or not at all, after the settings and its encoder where there is one."""
        self._write_configuration(configuration)
        if encoder is not None:
            encoder.save(self.path / ENCODER)
        network.save(self.model)

    def abandon(self) -> None:
        """Give an earlier model its metrics back."""
        if self._earlier is not None:
            write_whole(self.path / METRICS, self._earlier)

    def _write_configuration(self, configuration: dict[str, Any]) -> None:
        write_whole(self.path / CONFIGURATION, (json.dumps(configuration, indent=2) + "\n").encode())


class MetricsWriter:
    """A callback of the `Trainer` that writes each epoch's metrics into a run's folder."""

    def __init__(self, folder: RunFolder, configuration: dict[str, Any]) -> None:
        self._folder, self._configuration = folder, configuration
        self._behind = False

    def on_compile(self, trainer: Any, data: Any) -> None:
        """Begin, or go on where the trainer does."""
        self._folder.begin(self._configuration, trainer.history.epochs)

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
