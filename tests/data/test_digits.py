"""The embedded default is real data in a split that never changes."""

import numpy as np

from fastpc.data import load_digits


def test_they_are_scikit_learns_in_a_fixed_split() -> None:
    from sklearn.datasets import load_digits as sklearn_digits

    train, test = load_digits()
    assert (len(train), len(test)) == (1437, 360)
    assert (train.n_features, train.n_classes, train.scale) == (64, 10, 1 / 16)
    assert train.inputs.dtype == np.uint8
    original = sorted(map(bytes, sklearn_digits().data.astype(np.uint8)))
    assert sorted(map(bytes, np.concatenate([train.inputs, test.inputs]))) == original
    assert set(test.targets) == set(range(10))
    assert np.array_equal(load_digits()[1].inputs, test.inputs)
