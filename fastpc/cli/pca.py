"""Principal components: what unsupervised networks have to do better than."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data import Dataset


def reconstruction_error(train: Dataset, test: Dataset, components: int) -> float:
    """Return half the squared difference between test images and what principal components make of them.

    Parameters
    ----------
    train : Dataset
        Where the components come from.
    test : Dataset
        What is reconstructed; the error is a mean over its images.
    components : int
        How many there are, at most the number of pixels.
    """
    known, new = _images(train), _images(test)
    mean = known.mean(axis=0)
    _, vectors = np.linalg.eigh((known - mean).T @ (known - mean))
    largest = vectors[:, -components:]
    rest = (new - mean) - (new - mean) @ largest @ largest.T
    return float(0.5 * np.mean(np.sum(rest**2, axis=1)))


def _images(data: Dataset) -> NDArray[Any]:
    rows = data.inputs if isinstance(data.inputs, np.ndarray) else data.inputs.toarray()
    return rows.reshape(len(data), -1) * np.float64(data.scale)
