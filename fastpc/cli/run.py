"""The folder of a run: the model, one line of metrics for each epoch, and the settings."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc.errors import ConfigurationError

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.network import PCNetwork

MODEL, METRICS, CONFIGURATION = "model.safetensors", "metrics.jsonl", "config.json"
ENCODER = "encoder.safetensors"


class RunFolder:
    """A folder that can be written to, checked before any time is spent on training.

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

    def begin(self, configuration: dict[str, Any]) -> None:
        """Write the settings, and clear away what an earlier run left."""
        self.model.unlink(missing_ok=True)
        text = json.dumps(configuration, indent=2)
        (self.path / CONFIGURATION).write_text(text + "\n", encoding="utf-8")
        (self.path / METRICS).write_text("", encoding="utf-8")

    def add_metrics(self, metrics: dict[str, Any]) -> None:
        """Append one line; it is on disk even if the run ends badly later."""
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")

    def save(self, network: "PCNetwork | BidirectionalNetwork", encoder: "PCNetwork | None" = None) -> None:
        """Write the model, whole or not at all, and its encoder where there is one."""
        network.save(self.model)
        if encoder is not None:
            encoder.save(self.path / ENCODER)


class MetricsWriter:
    """A callback of the `Trainer` that writes each epoch's metrics into a run's folder."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def on_epoch_end(self, trainer: Any, record: Any) -> None:
        """Append the epoch's line."""
        self._folder.add_metrics(epoch_metrics(record))


def epoch_metrics(record: Any) -> dict[str, Any]:
    """Return the numbers of one epoch, ready for JSON."""
    return {
        "epoch": record.epoch,
        "energy": [float(energy) for energy in record.energy],
        "accuracy": record.accuracy,
        "validation_accuracy": record.validation_accuracy,
        "samples": record.samples,
        "train_seconds": record.train_seconds,
        "samples_per_second": record.samples_per_second,
        "learning_rate": record.learning_rate,
    }
