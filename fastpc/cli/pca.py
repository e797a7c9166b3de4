"""Principal components: what unsupervised networks have to do better than."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset


class Components:
    """The largest principal components of a data set's images.

    Parameters
    ----------
    data : Dataset
    n : int
        How many there are, at most the number of pixels.

    Attributes
    ----------
    mean : ndarray (pixels,)
    vectors : ndarray (pixels, n)
        Orthonormal, the largest last.
    deviations : ndarray (n,)
        The standard deviation along each.
    """

    def __init__(self, data: Dataset, n: int) -> None:
        images = images_of(data)
        self.mean = images.mean(axis=0)
        values, vectors = np.linalg.eigh((images - self.mean).T @ (images - self.mean) / len(images))
        self.vectors = vectors[:, -n:]
        self.deviations = np.sqrt(np.maximum(values[-n:], 0))

    def reconstruction_error(self, data: Dataset) -> float:
        """Return half the squared difference between images and what the components make of them, a mean over them."""
        centred = images_of(data) - self.mean
        rest = centred - centred @ self.vectors @ self.vectors.T
        return float(0.5 * np.mean(np.sum(rest**2, axis=1)))

    def sample(self, n: int, seed: int = 0) -> NDArray[np.float64]:
        """Return images (n, pixels) of the Gaussian with this mean and these deviations."""
        latents = np.random.default_rng(seed).standard_normal((n, len(self.deviations)))
        return np.asarray(self.mean + (latents * self.deviations) @ self.vectors.T)


def images_of(data: Dataset) -> NDArray[Any]:
    """Return the inputs as rows of float64, scaled as networks see them."""
    rows = data.inputs if isinstance(data.inputs, np.ndarray) else data.inputs.toarray()
    return rows.reshape(len(data), -1) * np.float64(data.scale)
