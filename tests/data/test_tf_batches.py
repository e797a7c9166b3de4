"""A tf.data.Dataset is training data, however it is batched; what it cannot be is said in one sentence."""

from typing import Any

import numpy as np
import pytest

from fastpc.data import Dataset, as_dataset
from fastpc.errors import DataError
from fastpc.network import PCNetwork
from fastpc.rules import PC
from fastpc.trainer import Trainer

from .samples import IMAGES, LABELS

tf = pytest.importorskip("tensorflow")


def stream(x: Any = IMAGES, y: Any = LABELS) -> Any:
    return tf.data.Dataset.from_tensor_slices((x, y))


def assert_is_everything(data: Dataset) -> None:
    assert data.inputs.dtype == np.uint8
    assert np.array_equal(data.inputs, IMAGES.reshape(6, 784))
    assert np.array_equal(data.targets, LABELS)


class TestBatches:
    @pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
    @pytest.mark.parametrize("size", [1, 4, 6, 100])
    def test_batches_of_images_and_of_rows(self, shape: tuple[int, ...], size: int) -> None:
        images = IMAGES.reshape(6, *shape)
        assert_is_everything(as_dataset(stream(images).batch(size)))

    @pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
    def test_single_samples(self, shape: tuple[int, ...]) -> None:
        assert_is_everything(as_dataset(stream(IMAGES.reshape(6, *shape))))

    def test_whole_batches_alone(self) -> None:
        data = as_dataset(stream().batch(4, drop_remainder=True))
        assert np.array_equal(data.targets, LABELS[:4])

    def test_labels_of_every_integer_type(self) -> None:
        for dtype in (np.uint8, np.int32, np.int64):
            assert np.array_equal(as_dataset(stream(y=LABELS.astype(dtype)).batch(4)).targets, LABELS)

    @pytest.mark.parametrize("batched", [True, False])
    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_one_hot_rows(self, batched: bool, dtype: Any) -> None:
        rows = np.eye(10, dtype=dtype)[LABELS]
        samples = stream(y=rows)
        data = as_dataset(samples.batch(4) if batched else samples)
        assert data.n_classes is None
        assert data.target_scale == 1
        assert np.array_equal(data.targets, rows)

    def test_floats_are_taken_as_they_are(self) -> None:
        data = as_dataset(stream().map(lambda x, y: (tf.cast(x, tf.float32) / 255, y)).batch(4))
        assert (data.inputs.dtype, data.scale) == (np.float32, 1.0)

    def test_a_generator_of_unknown_shapes(self) -> None:
        def batches() -> Any:
            yield IMAGES[:4], LABELS[:4]
            yield IMAGES[4:], LABELS[4:]

        assert_is_everything(as_dataset(tf.data.Dataset.from_generator(batches, output_types=(tf.uint8, tf.uint8))))


def test_tensors_are_arrays() -> None:
    assert_is_everything(as_dataset(tf.constant(IMAGES), tf.constant(LABELS)))


class TestTraining:
    @pytest.mark.parametrize("batched", [True, False])
    def test_the_trainer_takes_it_as_it_takes_arrays(self, batched: bool) -> None:
        networks = [PCNetwork((784, 12, 3), seed=1) for _ in range(2)]
        trainers = [Trainer(network, PC(steps=2, step_size=0.1), batch_size=4, seed=2) for network in networks]
        data = stream(IMAGES[..., None]).batch(2) if batched else stream(IMAGES[..., None])
        histories = [
            trainers[0].fit(data, validation=data, epochs=2),
            trainers[1].fit((IMAGES, LABELS), validation=(IMAGES, LABELS), epochs=2),
        ]
        assert np.array_equal(networks[0].parameters, networks[1].parameters)
        assert histories[0].epochs[-1].energy == histories[1].epochs[-1].energy
        assert histories[0].epochs[-1].validation_accuracy == histories[1].epochs[-1].validation_accuracy
        assert trainers[0].evaluate(data).accuracy == trainers[1].evaluate((IMAGES, LABELS)).accuracy

    def test_what_does_not_fit_the_network_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"64 features.* got 784"):
            Trainer(PCNetwork((64, 3))).fit(stream().batch(4))


def test_where_inputs_alone_are_due_a_stream_of_pairs_becomes_a_data_set_first() -> None:
    network = PCNetwork((784, 3))
    for given in (stream().batch(4), stream().batch(4).map(lambda x, y: x)):
        with pytest.raises(DataError, match=r"got a tf.data.Dataset; pass as_dataset\(stream\)"):
            network.predict(given)
    with pytest.raises(DataError, match=r"expected inputs as one array, got a tf.data.Dataset"):
        as_dataset(stream().batch(4), LABELS)
    assert np.array_equal(network.predict(as_dataset(stream().batch(4))), network.predict(IMAGES))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda: stream().batch(4).repeat(), "repeats for ever; remove .repeat"),
        (lambda: stream().repeat(), "repeats for ever"),
        (lambda: stream().batch(4).take(0), "got none"),
        (lambda: tf.data.Dataset.from_tensor_slices(IMAGES).batch(4), "got ndarray of 4 as batch 0"),
        (lambda: tf.data.Dataset.from_tensor_slices({"x": IMAGES, "y": LABELS}).batch(4), "got dict of 2 as batch 0"),
        (lambda: tf.data.Dataset.from_tensor_slices((IMAGES, LABELS, LABELS)).batch(4), "got tuple of 3 as batch 0"),
        (lambda: stream(y=LABELS.astype(str)).batch(4), "targets .* dtype object"),
        (lambda: stream().batch(4).map(lambda x, y: (tf.sparse.from_dense(x), y)), "got a SparseTensor"),
        (lambda: stream().map(lambda x, y: (tf.RaggedTensor.from_tensor(x), y)), "got a RaggedTensor"),
        (lambda: stream().map(lambda x, y: (tf.ensure_shape(x, (28, 28)) // 0, y)), "InvalidArgumentError on the way"),
        (lambda: stream(x=IMAGES * np.float32("nan")).batch(4), "finite"),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_sentence(source: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        as_dataset(source())
    assert "\n" not in str(caught.value)
