"""Gathering batches from an iterable, such as a tf.data.Dataset, into two arrays."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastpc.data.arrays import as_array
from fastpc.data.csr import canonical_csr, is_sparse
from fastpc.data.tf_batches import is_tf_dataset, numpy_batches
from fastpc.errors import DataError


def collect(batches: Iterable[Any]) -> tuple[Any, Any]:
    """Gather batches ``(x, y)`` into one pair of arrays, without changing their types.

    Training visits the data many times in many orders, and compiled code reads it in place, so a
    stream is read once, to its end, and kept. It takes twice the data's memory while it is joined. One without an
    end is read for ever, unless it says so as a tf.data.Dataset can: cut it, as with itertools.islice.

    Parameters
    ----------
    batches : iterable of pairs
        Each pair holds arrays of (b, ...) inputs and (b, ...) targets, or sparse inputs. All
        batches have the same dtypes and the same shapes but for b. The arrays are copied: an
        iterator may fill the same buffer again and again. A tf.data.Dataset may also yield single
        samples.

    Returns
    -------
    x, y : ndarray or csr_array

    Raises
    ------
    DataError
        If there is no batch, if one is not a pair of arrays of equal length or differs in kind
        from the first, or if the stream is known to be endless.
    """
    x, y = _gather(batches, _own_pair)
    return x, y


def collect_inputs(batches: Iterable[Any]) -> Any:
    """Gather batches of inputs alone, or the inputs of batches ``(x, y)``, into one array; see `collect`.

    Of a tf.data.Dataset of inputs alone, single samples are known by their one axis.
    """
    return _gather(batches, _own_inputs)[0]


def _gather(batches: Iterable[Any], own: Callable[[Any, int], tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return one array for each part of the batches, of which `own` returns copies."""
    parts: list[tuple[Any, ...]] = []
    first = ""
    for number, batch in enumerate(numpy_batches(batches) if is_tf_dataset(batches) else batches):
        parts.append(own(batch, number))
        kind = _kind(parts[-1])
        first = first or kind
        if kind != first:
            raise DataError(
                f"expected batches alike but for their length, got {kind} in batch {number} "
                f"after {first}; make them of one type and shape"
            )
    if not parts:
        raise DataError("expected batches of (x, y), got none; check that the iterable is not used up")
    return tuple(_join(arrays) for arrays in zip(*parts, strict=True))


def _own_inputs(batch: Any, number: int) -> tuple[Any]:
    """Return a copy of one batch's inputs."""
    x = _own(batch[0] if isinstance(batch, tuple | list) else batch, f"inputs of batch {number}")
    if x.ndim == 0:
        raise DataError("expected batches, got single numbers; batch them, as with .batch(64)")
    return (x,)


def _own_pair(batch: Any, number: int) -> tuple[Any, Any]:
    """Return copies of the two arrays of one batch."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        got = f"{type(batch).__name__} of {len(batch)}" if hasattr(batch, "__len__") else batch
        raise DataError(f"expected pairs (x, y), got {got} as batch {number}; yield inputs and targets alone")
    x = _own(batch[0], f"inputs of batch {number}")
    y = _own(batch[1], f"targets of batch {number}")
    if x.ndim == 0 or y.ndim == 0:
        raise DataError(
            f"expected batches, got single samples ({x.shape} inputs, {y.shape} targets); "
            "batch them, as with .batch(64)"
        )
    if x.shape[0] != y.shape[0]:
        raise DataError(
            f"expected as many targets as inputs, got {y.shape[0]} targets for {x.shape[0]} inputs "
            f"in batch {number}; check that they belong together"
        )
    return x, y


def _own(part: Any, role: str) -> Any:
    """Return a copy of one array."""
    return canonical_csr(part, role).copy() if is_sparse(part) else as_array(part, role).copy()


def _kind(parts: tuple[Any, ...]) -> str:
    """Describe what must be alike in all batches: the dtypes and shapes of one sample."""
    return " and ".join(f"{part.dtype} {type(part).__name__} {part.shape[1:]}" for part in parts)


def _join(parts: tuple[Any, ...]) -> Any:
    """Return all batches' arrays as one."""
    if is_sparse(parts[0]):
        from scipy import sparse

        return sparse.vstack(parts, format="csr")
    return np.concatenate(parts)
