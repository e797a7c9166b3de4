"""A callback of the `Trainer` that writes what TensorBoard shows."""

from __future__ import annotations

import math
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.checks import require_whole
from fastpc.errors import ConfigurationError
from fastpc.extras import load, tensorflow
from fastpc.images import image_shape, is_square, tiled
from fastpc.rules import Generative, Hybrid, Notebook, Unsupervised

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.history import EpochRecord, History
    from fastpc.network import PCNetwork
    from fastpc.trainer import Trainer

# Of one picture: so many units' weights, so many samples of a network without labels.
_UNITS, _SAMPLES, _COLUMNS = 64, 16, 8


class TensorBoard:
    """Writes scalars, histograms and images of a run, for ``tensorboard --logdir log_dir``.

    After every epoch: ``energy/layer_l`` and ``energy/total``, ``accuracy/train`` and ``accuracy/validation`` where
    there are labels, ``speed/samples_per_second``, ``rate/learning`` and ``rate/state_step``. Before the first epoch,
    and then after every so many: histograms of all weights and biases; ``images/weights``, what the first units look
    for in an image or draw into one; and, of networks that generate, ``images/generated``, one image a class or
    samples of the prior.

    Parameters
    ----------
    log_dir : str or path-like
        Made where it is missing. Give each run one of its own; a further `Trainer.fit` of the same run goes on in it.
    every : int
        Write histograms and images after every so many epochs; 0 for never.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels) of the images; by default square and grey where their width is
        the square of a number, and else there are no pictures.

    Raises
    ------
    DependencyError
        If TensorFlow or TensorBoard is missing.
    ConfigurationError
        If a setting is out of bounds, or the folder cannot be written to.
    """

    def __init__(
        self, log_dir: str | PathLike[str], *, every: int = 1, image_shape: tuple[int, ...] | None = None
    ) -> None:
        require_whole("TensorBoard", "every", every, at_least=0)
        known = image_shape is None or (isinstance(image_shape, tuple | list) and len(image_shape) in (2, 3))
        if not known or (image_shape is not None and (*image_shape, 1)[2] not in (1, 3)):
            raise ConfigurationError(
                "expected image_shape to be (height, width), or with 1 or 3 channels behind it, "
                f"got {image_shape!r}; pass for example (28, 28)"
            )
        for length in image_shape or ():
            require_whole("TensorBoard", "each length in image_shape", length, at_least=1)
        self._tf = tensorflow("the TensorBoard callback")
        load("tensorboard", "the TensorBoard callback", "tensorflow")
        self.log_dir, self.every, self.image_shape = fspath(log_dir), every, image_shape
        self._writer: Any = None
        try:
            self._tf.io.gfile.makedirs(self.log_dir)
            self._open()
        except self._tf.errors.OpError as error:
            raise ConfigurationError(
                f"expected a folder that TensorBoard's files can be written to, got {self.log_dir!r} "
                f"({error.message}); choose another one"
            ) from error

    def _open(self) -> None:
        if self._writer is None:
            self._writer = self._tf.summary.create_file_writer(self.log_dir)

    def on_compile(self, trainer: Trainer, data: Dataset) -> None:
        """Raise a ConfigurationError unless images are of the shape that was given, before any time is spent."""
        pixels = _image_weights(trainer).shape[1]
        if self.image_shape is not None and math.prod(self.image_shape) != pixels:
            raise ConfigurationError(
                f"expected image_shape of {pixels} numbers, as the network's images have, got {self.image_shape}; "
                "change it, or leave it out"
            )

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Say what is trained and how, and what the network is like before."""
        self._open()
        if trainer.epochs_done == 0:
            self._write_run(trainer)
            self._write_network(trainer, 0)

    def on_epoch_end(self, trainer: Trainer, record: EpochRecord) -> None:
        """Write what the epoch measured, and what the network is like after it."""
        tags = [f"{name}layer_{l}" for name, part in _parts(trainer).items() for l in range(1, part.n_layers + 1)]
        values = {f"energy/{tag}": energy for tag, energy in zip(tags, record.energy, strict=True)} | {
            "energy/total": sum(record.energy),
            "accuracy/train": record.accuracy,
            "accuracy/validation": record.validation_accuracy,
            "speed/samples_per_second": record.samples_per_second,
            "rate/learning": record.learning_rate,
            "rate/state_step": None if math.isnan(record.state_step) else record.state_step,
        }
        with self._writer.as_default(step=record.epoch):
            for tag, value in values.items():
                if value is not None:
                    self._tf.summary.scalar(tag, value)
        if self.every and record.epoch % self.every == 0:
            self._write_network(trainer, record.epoch)
        self._writer.flush()

    def on_fit_end(self, trainer: Trainer, history: History) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write_run(self, trainer: Trainer) -> None:
        settings = (trainer.network, trainer.rule, trainer.optimizer, f"batch_size={trainer.batch_size}")
        with self._writer.as_default(step=0):
            self._tf.summary.text("run", "\n\n".join(f"`{setting}`" for setting in settings))

    def _write_network(self, trainer: Trainer, step: int) -> None:
        """Write histograms and images of the network as it is."""
        if not self.every:
            return
        summary, weights = self._tf.summary, _image_weights(trainer)[:_UNITS]
        shape = self.image_shape
        if shape is None and is_square(weights.shape[1]):
            shape = image_shape(weights.shape[1])
        with self._writer.as_default(step=step):
            for name, part in _parts(trainer).items():
                for l in range(part.n_layers):
                    summary.histogram(f"weights/{name}layer_{l + 1}", part.weights[l])
                    summary.histogram(f"biases/{name}layer_{l + 1}", part.biases[l])
            if shape is not None:
                # Each unit's largest weight is white or black, and 0 grey.
                largest = np.maximum(np.abs(weights).max(axis=1, keepdims=True), np.finfo(weights.dtype).tiny)
                summary.image("images/weights", mosaic(0.5 + 0.5 * weights / largest, shape))
                if (images := _generated(trainer)) is not None:
                    summary.image("images/generated", mosaic(images, shape))


def mosaic(images: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return flat images (N, pixels) side by side in one: (1, height, width, channels), from 0, black, to 1, white."""
    plain = shape[:2] if shape[2:] == (1,) else shape
    whole = tiled(np.clip(images, 0, 1), min(len(images), _COLUMNS), plain)
    whole = np.nan_to_num(whole.reshape(*whole.shape[:2], -1), nan=1)
    # A white line of a pixel below and to the right, as there is between them.
    return np.pad(whole, ((0, 1), (0, 1), (0, 0)), constant_values=1)[None].astype(np.float32)


def _parts(trainer: Trainer) -> dict[str, PCNetwork]:
    """Return the networks that have the parameters, by what their tags begin with."""
    network = trainer.network
    if isinstance(network, BidirectionalNetwork):
        return {"recognition/": network.recognition, "generation/": network.generation}
    return {"": network}


def _image_weights(trainer: Trainer) -> NDArray[Any]:
    """Return the weights between pixels and the layer next to them, (units, pixels)."""
    network = trainer.network
    if isinstance(network, BidirectionalNetwork):
        return np.asarray(network.recognition.weights[0]).T
    # These have the images at the last layer.
    turned = isinstance(trainer.rule, Generative | Hybrid | Notebook | Unsupervised)
    return np.asarray(network.weights[-1]) if turned else np.asarray(network.weights[0]).T


def _generated(trainer: Trainer) -> NDArray[Any] | None:
    """Return images that the network makes, (N, pixels), of each class or of samples; None where it makes none."""
    network, threads = trainer.network, trainer.threads
    if isinstance(network, BidirectionalNetwork):
        return network.generate(np.arange(network.sizes[-1]), threads=threads)
    if isinstance(trainer.rule, Unsupervised) or (isinstance(trainer.rule, Hybrid) and trainer.rule.prior is not None):
        return network.sample(_SAMPLES, threads=threads)
    if isinstance(trainer.rule, Generative | Hybrid | Notebook):
        return network.generate(np.arange(network.sizes[0]), threads=threads)
    return None
