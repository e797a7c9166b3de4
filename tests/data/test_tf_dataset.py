"""To TensorFlow and back: what Keras is given is what a network sees."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from fastpc.data import as_dataset, as_tf_dataset
from fastpc.errors import ConfigurationError, DataError

from .samples import IMAGES, LABELS, rows

pytest.importorskip("tensorflow")


def read(stream: Any) -> tuple[Any, Any]:
    xs, ys = zip(*stream.as_numpy_iterator(), strict=True)
    return np.concatenate(xs), np.concatenate(ys)


def test_images_come_scaled_as_a_network_sees_them() -> None:
    x, y = read(as_tf_dataset((IMAGES, LABELS), batch_size=4))
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.array_equal(x, IMAGES.reshape(6, 784) * np.float32(1 / 255))
    assert np.array_equal(y, LABELS)


def test_batches_are_as_long_as_asked_and_the_last_may_be_shorter() -> None:
    lengths = [len(y) for _, y in as_tf_dataset((IMAGES, LABELS), batch_size=4).as_numpy_iterator()]
    assert lengths == [4, 2]


def test_samples_come_one_by_one_to_be_shuffled_before_they_are_batched() -> None:
    stream = as_tf_dataset((IMAGES, LABELS), batch_size=None)
    assert int(stream.cardinality()) == 6
    assert stream.element_spec[0].shape == (784,)
    x, y = read(stream.shuffle(6, seed=0).batch(6))
    for sample, label in zip(x, y, strict=True):
        assert np.any(np.all(sample == IMAGES.reshape(6, 784)[label == LABELS] * np.float32(1 / 255), axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_precision(dtype: Any) -> None:
    data = as_dataset(rows().astype(dtype), rows().astype(dtype), scale=0.5, target_scale=2.0)
    x, y = read(as_tf_dataset(data))
    assert x.dtype == y.dtype == dtype
    assert np.array_equal(x, data.inputs * dtype(0.5))
    assert np.array_equal(y, data.targets * dtype(2.0))


@pytest.mark.parametrize("batch_size", [4, None])
def test_sparse_inputs_are_filled_out(batch_size: int | None) -> None:
    csr = sparse.csr_array(IMAGES.reshape(6, 784))
    stream = as_tf_dataset((csr, LABELS), batch_size)
    x, _ = read(stream if batch_size else stream.batch(4))
    assert np.array_equal(x, IMAGES.reshape(6, 784) * np.float32(1 / 255))


@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_there_and_back_gives_the_same_numbers(batch_size: int | None) -> None:
    data = as_dataset(IMAGES, LABELS)
    back = as_dataset(as_tf_dataset(data, batch_size))
    assert np.array_equal(back.inputs, data.inputs * np.float32(data.scale))
    assert np.array_equal(back.targets, data.targets)
    assert (back.scale, back.n_classes) == (1.0, data.n_classes)


def test_a_bad_batch_size_or_bad_data_are_refused() -> None:
    for size in (0, -1, 2.5, "4"):
        with pytest.raises(ConfigurationError, match="batch_size"):
            as_tf_dataset((IMAGES, LABELS), size)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        as_tf_dataset((IMAGES, LABELS[:5]))
