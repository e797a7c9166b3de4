"""The folder of a run: the model, one line of metrics for each epoch, and the settings."""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastpc.cli import configuration
from fastpc.errors import ConfigurationError

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.network import PCNetwork

MODEL, METRICS, CONFIGURATION, CURVES = "model.safetensors", "metrics.jsonl", configuration.NAME, "curves.png"
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

    def begin(self, settings: dict[str, Any]) -> None:
        """Write the settings, and clear away what an earlier run left."""
        for old in (self.model, self.path / CURVES):
            old.unlink(missing_ok=True)
        configuration.write(settings, self.path / CONFIGURATION)
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

    def draw_curves(self, test_accuracy: float | None, *, bidirectional: bool) -> None:
        """Draw the learning curves, where matplotlib is installed and an epoch was finished."""
        from fastpc import plots

        metrics = read_metrics(self.path)
        if metrics and plots.available():
            figure = plots.learning_curves(metrics, test_accuracy=test_accuracy, bidirectional=bidirectional)
            plots.save_figure(figure, self.path / CURVES)


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
