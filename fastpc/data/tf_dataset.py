"""A tf.data.Dataset made of our data; `fastpc.data.tf_batches` is the way back."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastpc.checks import require_whole
from fastpc.data.dataset import as_dataset
from fastpc.extras import tensorflow


def as_tf_dataset(data: object, batch_size: int | None = 64) -> Any:
    """Return a tf.data.Dataset of what a network sees of `data`, for Keras or any other pipeline.

    Parameters
    ----------
    data : anything `fastpc.data.as_dataset` takes
        Such as a Dataset or a pair of arrays.
    batch_size : int, optional
        The last batch may be shorter. None yields single samples, to be shuffled before they are batched.

    Returns
    -------
    tf.data.Dataset
        Pairs of inputs (b, n_0), scaled, and int64 labels (b,) or dense targets (b, n_L), scaled; floats are float64
        where the data's are, else float32. In the data's order; sparse inputs are filled out batch by batch.

    Raises
    ------
    DependencyError
        If TensorFlow is missing.
    DataError, ConfigurationError
        If the data cannot be trained on, or for a batch size below 1.
    """
    if batch_size is not None:
        require_whole("as_tf_dataset", "batch_size", batch_size, at_least=1)
    tf = tensorflow("as_tf_dataset")
    known = as_dataset(data)
    sparse = not isinstance(known.inputs, np.ndarray)
    inputs = _sparse_tensor(tf, known.inputs) if sparse else known.inputs

    def scaled(values: Any, scale: float) -> Any:
        floats = tf.cast(values, tf.float64 if values.dtype == tf.float64 else tf.float32)
        return floats if scale == 1 else floats * tf.constant(scale, floats.dtype)

    def seen(x: Any, y: Any) -> tuple[Any, Any]:
        x = scaled(tf.sparse.to_dense(x) if sparse else x, known.scale)
        return x, y if known.n_classes is not None else scaled(y, known.target_scale)

    samples = tf.data.Dataset.from_tensor_slices((inputs, known.targets))
    return (samples if batch_size is None else samples.batch(int(batch_size))).map(seen)


def _sparse_tensor(tf: Any, inputs: Any) -> Any:
    rows = np.repeat(np.arange(inputs.shape[0]), np.diff(inputs.indptr))
    places = np.stack([rows, inputs.indices], axis=1).astype(np.int64)
    return tf.SparseTensor(places, inputs.data, inputs.shape)
