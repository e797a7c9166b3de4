"""The embedded default: real handwritten digits that come with scikit-learn."""

import numpy as np

from fastpc.data.dataset import Dataset, as_dataset
from fastpc.data.shuffle import permutation

_TEST_SAMPLES = 360
_BRIGHTEST = 16


def load_digits() -> tuple[Dataset, Dataset]:
    """Return scikit-learn's 1,797 digits, split into 1,437 for training and 360 for testing.

    Images of 8×8 pixels from 0 to 16, kept as uint8 and scaled by 1/16 on their way in. The split
    is random but always the same.

    Returns
    -------
    train, test : Dataset
        Inputs (N, 64), labels 0 to 9, named "digits".
    """
    from sklearn.datasets import load_digits as sklearn_digits

    images, labels = sklearn_digits(return_X_y=True)
    digits = as_dataset(images.astype(np.uint8), labels, n_classes=10, scale=1 / _BRIGHTEST, name="digits")
    order = permutation(len(digits), 0)
    return digits.take(order[_TEST_SAMPLES:]), digits.take(order[:_TEST_SAMPLES])
