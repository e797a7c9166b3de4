"""A tf.data.Dataset where scikit-learn expects arrays: read once, to its end, and taken as its arrays would be."""

from __future__ import annotations

from typing import Any

from fastpc.data.stream import collect, collect_inputs
from fastpc.data.tf_batches import is_tf_dataset
from fastpc.errors import DataError


def arrays_of(X: Any, y: Any) -> tuple[Any, Any]:
    """Return inputs and targets: those of a tf.data.Dataset of pairs, one row a sample; else X and y as they are.

    Raises
    ------
    DataError
        If there are targets beside a tf.data.Dataset, or it yields no pairs.
    """
    if not is_tf_dataset(X):
        return X, y
    if y is not None:
        raise DataError(
            f"expected a tf.data.Dataset alone, which brings its targets, got {type(y).__name__} beside it; leave y out"
        )
    inputs, targets = collect(X)
    return _rows(inputs), targets.ravel() if targets.shape[1:] == (1,) else targets


def inputs_of(X: Any) -> Any:
    """Return inputs: those of a tf.data.Dataset of inputs or of pairs, one row a sample; else X as it is."""
    return _rows(collect_inputs(X)) if is_tf_dataset(X) else X


def _rows(inputs: Any) -> Any:
    return inputs.reshape(len(inputs), -1)
