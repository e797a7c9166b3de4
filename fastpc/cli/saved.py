"""A saved network with the settings it was trained by: what it recognises, and what it generates."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc import build
from fastpc.cli import configuration
from fastpc.cli.run import ENCODER, MODEL
from fastpc.errors import ConfigurationError
from fastpc.presets import Preset

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.evaluation import Evaluation


class Saved:
    """A network from a run's folder, or from a file of its own.

    Parameters
    ----------
    path : pathlib.Path
        The folder that train wrote, or a model file, beside which its configuration is looked for.
    threads : int, optional
        How many to compute with.

    Attributes
    ----------
    network : PCNetwork or BidirectionalNetwork
    preset : Preset
        What it was trained by; the defaults where nothing says so.
    source : str
        Where its data came from; "auto" where nothing says so.

    Raises
    ------
    CheckpointError, ConfigurationError
        If model or configuration are damaged.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        from fastpc.checkpoint import kind_of_network

        file = path / MODEL if path.is_dir() else path
        self.folder, self.threads = file.parent, threads
        self.network: Any = kind_of_network(file).load(file)
        known = file.name == MODEL and (self.folder / configuration.NAME).is_file()
        said = configuration.read(self.folder) if known else {}
        self.preset: Preset = configuration.preset_of(said)
        self.source = str(said.get("data", "auto"))
        self._scale: float | None = said.get("scale")

    @property
    def by_notebook(self) -> bool:
        """Whether the notebook's rule trained it: the label at layer 0, the image on top."""
        return str(self.network.initializer) == "notebook"

    @property
    def image_on_top(self) -> bool:
        """Whether images are at the last layer."""
        return self.by_notebook or self.preset.direction != "discriminative"

    @property
    def n_pixels(self) -> int:
        """The width of an image."""
        return int(self.network.sizes[-1 if self.image_on_top else 0])

    @property
    def n_classes(self) -> int:
        """The width of a label."""
        return int(self.network.sizes[0 if self.image_on_top else -1])

    @property
    def rule(self) -> Any:
        """What it was trained by, its encoder included."""
        from fastpc.network import PCNetwork

        return build.rule(self.preset, PCNetwork.load(self.folder / ENCODER) if self.preset.rule == "hybrid" else None)

    def evaluate(self, data: "Dataset") -> "Evaluation":
        """Measure it: labels are compared with the predictions once all of these are made."""
        from fastpc import notebook
        from fastpc.evaluation import evaluate
        from fastpc.trainer import Trainer

        if self.by_notebook:
            return notebook.evaluate(self.network, data)
        if self.image_on_top:
            # By relaxing, as its rule says.
            return Trainer(self.network, self.rule, threads=self.threads).evaluate(data)
        return evaluate(self.network, data, threads=self.threads)

    def class_outputs(self, images: object, scale: float | None = None) -> NDArray[np.float64]:
        """Return what it says of each class, (N, classes), of images alone: (N, pixels), or those of a Dataset.

        Raises
        ------
        ConfigurationError
            If it knows of no classes.
        DataError
            If the images do not fit.
        """
        if self.preset.direction == "unsupervised":
            raise ConfigurationError(
                "expected a network that was trained with labels, got an unsupervised one; use fastpc generate, or "
                "train with another --direction"
            )
        data = self._alone(images, scale)
        if self.by_notebook:
            from fastpc import notebook

            return notebook.label_states(self.network, data)
        if not self.image_on_top:
            outputs = self.network.forward(data, threads=self.threads)
        elif self.preset.rule == "hybrid":
            outputs = self._hybrid_session(data).infer(data)
        else:
            outputs = self.network.infer(data, self.rule.recognition, threads=self.threads)
        return np.asarray(outputs, np.float64)

    def _alone(self, images: Any, scale: float | None) -> "Dataset":
        """Return images with labels that mean nothing, in the scale they would have in training."""
        from fastpc.data import Dataset, as_dataset

        if isinstance(images, Dataset):
            images, scale = images.inputs, images.scale if scale is None else scale
        elif scale is None and np.asarray(images).dtype.kind in "iu":
            scale = self._scale
        return as_dataset(images, np.zeros(images.shape[0], np.int64), n_classes=self.n_classes, scale=scale)

    def _hybrid_session(self, data: "Dataset") -> Any:
        from fastpc.engine.threads import choose_threads
        from fastpc.optimizers import Adam

        session = self.rule.session(self.network, Adam(), 1, choose_threads(self.threads))
        session.check(data)
        return session

    def reconstruct(self, images: object, scale: float | None = None) -> NDArray[Any]:
        """Return images again from their latents alone, of an unsupervised network."""
        data = self._alone(images, scale)
        if self.preset.rule == "hybrid":
            return np.asarray(self.network.forward(self._hybrid_session(data).infer(data), threads=self.threads))
        rule = self.rule
        return np.asarray(self.network.reconstruct(data, rule.inference, prior=rule.prior, threads=self.threads))

    @property
    def generates(self) -> str | None:
        """From what it generates: "labels", "latents", or None of one that only recognises."""
        if self.preset.direction == "unsupervised":
            return "latents"
        return "labels" if self.image_on_top or self.preset.rule == "bpc" else None

    def generate(self, labels: NDArray[np.int64]) -> NDArray[Any]:
        """Return an image (N, pixels) of each label."""
        return np.asarray(self.network.generate(labels, threads=self.threads))

    def sample(self, n: int, seed: int) -> NDArray[Any]:
        """Return n images (n, pixels) of latents drawn from the prior."""
        return np.asarray(self.network.sample(n, seed, threads=self.threads))
