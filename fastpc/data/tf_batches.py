"""Reading a tf.data.Dataset to its end, without importing TensorFlow: whoever has one has imported it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastpc.errors import DataError

# What tf.data.Dataset.cardinality() returns for a data set that never ends.
_INFINITE = -1
# Single samples are read so many at a time.
_BATCH = 1024


def is_tf_dataset(source: object) -> bool:
    """Return whether this is a tf.data.Dataset, by its methods."""
    return callable(getattr(source, "as_numpy_iterator", None)) and hasattr(source, "element_spec")


def numpy_batches(source: Any) -> Iterator[Any]:
    """Yield the batches of a tf.data.Dataset as NumPy arrays; single samples are batched first.

    Raises
    ------
    DataError
        If it repeats for ever, yields sparse or ragged tensors, or fails on the way.
    """
    if int(source.cardinality()) == _INFINITE:
        raise DataError("expected a stream that ends, got one that repeats for ever; remove .repeat() or add .take(n)")
    spec = source.element_spec
    parts = spec if isinstance(spec, tuple) else (spec,)
    for part in parts:
        kind = type(part).__name__
        if kind in ("SparseTensorSpec", "RaggedTensorSpec"):
            raise DataError(
                f"expected a tf.data.Dataset of dense tensors, got a {kind.removesuffix('Spec')}; "
                "fill it out in the pipeline, as with tf.sparse.to_dense or its .to_tensor()"
            )
    try:
        yield from (source.batch(_BATCH) if _has_single_samples(parts) else source).as_numpy_iterator()
    except Exception as error:  # TensorFlow's own errors, or whatever a function in the pipeline raised
        reason = str(getattr(error, "message", error)).strip().partition("\n")[0]
        raise DataError(
            f"expected a tf.data.Dataset that can be read to its end, got {type(error).__name__} on the way "
            f"({reason}); run the pipeline by itself, as with list(dataset)"
        ) from error


def _has_single_samples(parts: tuple[Any, ...]) -> bool:
    """Return whether elements of these specs are single samples: pairs, or inputs, without a batch's axis."""
    shapes: list[Any] = [getattr(part, "shape", None) for part in parts]
    if len(shapes) not in (1, 2) or any(shape is None or shape.rank is None for shape in shapes):
        return False
    if len(shapes) == 1:
        return bool(shapes[0].rank == 1)  # of more axes, the first may be a batch's
    inputs, targets = shapes
    if inputs.rank < 2 or targets.rank < 1:
        return True
    # An image with a row of targets: in a batch, both would be as long.
    lengths = inputs[0], targets[0]
    return None not in lengths and lengths[0] != lengths[1]
