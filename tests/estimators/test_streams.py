"""A tf.data.Dataset is taken as its arrays would be: the same network, bit by bit."""

from typing import Any

import numpy as np
import pytest

from fastpc import PCClassifier, PCRegressor, PCTransformer
from fastpc.data import as_tf_dataset
from fastpc.errors import DataError
from fastpc.estimators.base import PCEstimator

from .samples import QUICK, blobs, curve, plane

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SHORT = QUICK | {"max_iter": 3}


def stream(*arrays: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0])


def assert_same(one: PCEstimator, other: PCEstimator) -> None:
    assert np.array_equal(one.network_.parameters, other.network_.parameters)
    assert one.network_.dtype == other.network_.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [None, 50])
def test_a_classifier_takes_pairs(dtype: Any, batch: int | None) -> None:
    x, y = blobs()
    x = x.astype(dtype)
    pairs, inputs = stream(x, y), stream(x)
    if batch is not None:
        pairs, inputs = pairs.batch(batch), inputs.batch(batch)
    fitted, expected = PCClassifier(**SHORT).fit(pairs), PCClassifier(**SHORT).fit(x, y)
    assert_same(fitted, expected)
    for source in (pairs, inputs):
        assert np.array_equal(fitted.predict(source), expected.predict(x))
        assert np.array_equal(fitted.predict_proba(source), expected.predict_proba(x))
    assert fitted.score(pairs) == expected.score(x, y)
    assert_same(
        PCClassifier(**SHORT).partial_fit(pairs, classes=[0, 1, 2]), PCClassifier(**SHORT | {"max_iter": 1}).fit(x, y)
    )


def test_images_become_rows_and_columns_of_labels_labels() -> None:
    x, y = blobs()
    images = stream(x.reshape(-1, 2, 2, 1), y[:, None])
    expected = PCClassifier(**SHORT).fit(x, y)
    assert_same(PCClassifier(**SHORT).fit(images.batch(7)), expected)
    assert_same(PCClassifier(**SHORT).fit(images), expected)
    assert np.array_equal(expected.predict(stream(x.reshape(-1, 2, 2)).batch(7)), expected.predict(x))


def test_what_fastpc_streams_itself() -> None:
    x, y = blobs()
    assert_same(PCClassifier(**SHORT).fit(as_tf_dataset((x, y))), PCClassifier(**SHORT).fit(x, y))


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_regressor_takes_pairs(outputs: int) -> None:
    x, y = curve()
    y = y[:, 0] if outputs == 1 else y
    fitted, expected = PCRegressor(**SHORT).fit(stream(x, y).batch(32)), PCRegressor(**SHORT).fit(x, y)
    assert_same(fitted, expected)
    assert fitted.score(stream(x, y).batch(32)) == expected.score(x, y)
    assert np.array_equal(fitted.predict(stream(x)), expected.predict(x))


def test_a_transformer_takes_inputs_or_pairs() -> None:
    x = plane()
    expected = PCTransformer(2, **SHORT).fit(x)
    for source in (stream(x), stream(x).batch(32), stream(x, np.zeros(len(x))).batch(32)):
        assert_same(PCTransformer(2, **SHORT).fit(source), expected)
        assert np.array_equal(expected.transform(source), expected.transform(x))


def test_targets_come_from_the_stream_alone() -> None:
    x, y = blobs()
    with pytest.raises(DataError, match="brings its targets, got ndarray beside it"):
        PCClassifier(**SHORT).fit(stream(x, y), y)
    with pytest.raises(DataError, match=r"expected pairs \(x, y\)"):
        PCClassifier(**SHORT).fit(stream(x))
    with pytest.raises(ValueError, match="requires y to be passed"):
        PCClassifier(**SHORT).fit(x)
