"""Checking single arrays: whatever passes here is safe to hand to compiled code."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from fastpc.data.csr import canonical_csr, is_sparse
from fastpc.data.dtypes import engine_dtype, engine_memory
from fastpc.data.tf_batches import is_tf_dataset
from fastpc.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Inputs: TypeAlias = Union[NDArray[Any], "csr_array"]
Targets: TypeAlias = NDArray[Any]

# Class numbers are indices: the bound keeps absurd labels away from integer overflow.
MAX_CLASSES = 1_000_000


def as_array(value: object, role: str) -> NDArray[Any]:
    """Return `value` as an array of real numbers, of any shape and without a copy if possible.

    Sparse matrices are filled out.

    Raises
    ------
    DataError
        For ragged lists, masked entries, objects, text and other things that are not numbers.
    """
    if is_sparse(value):
        return np.asarray(canonical_csr(value, role).toarray())
    if is_tf_dataset(value):
        raise DataError(f"expected {role} as one array, got a tf.data.Dataset; pass as_dataset(stream) of pairs")
    if np.ma.is_masked(value):
        raise DataError(f"expected {role} without masked entries, got a masked array; fill or drop them")
    try:
        array = np.asarray(value)
    # TypeError and RuntimeError are how other libraries' tensors refuse to become arrays.
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"expected {role} that form one array, got {type(value).__name__} ({error}); "
            "make every row the same length and keep tensors on the CPU"
        ) from error
    engine_dtype(array.dtype, role)
    return array


def as_inputs(x: object, role: str = "inputs") -> Inputs:
    """Check inputs, and return them as the engine takes them: one row a sample.

    Parameters
    ----------
    x : array-like or SciPy sparse matrix
        Shape (N, n), or (N, height, width) or (N, height, width, channels) for images, which are
        flattened.
    role : str
        What the array holds, for error messages.

    Returns
    -------
    C-contiguous ndarray or csr_array, shape (N, n)
        Of uint8, float32 or float64; see `fastpc.data.dtypes.engine_dtype`. It shares memory with
        `x` where nothing had to change; read-only memory is copied.

    Raises
    ------
    DataError
        For wrong shapes or dtypes, NaN or infinity, or an empty array.
    """
    if is_sparse(x):
        csr = canonical_csr(x, role)
        _require_finite(csr.data, lambda at: int(np.searchsorted(csr.indptr, at, "right")) - 1, role)
        return csr
    array = as_array(x, role)
    if not 2 <= array.ndim <= 4:
        raise DataError(
            f"expected {role} of shape (samples, features) or (samples, height, width), "
            f"got shape {array.shape}; reshape to one row a sample"
        )
    if array.size == 0:
        raise DataError(
            f"expected {role} with at least one sample and one feature, got shape {array.shape}; "
            "check how the data was selected"
        )
    rows = array.reshape(len(array), -1)
    with np.errstate(over="ignore"):  # a long double may become infinite: found just below
        rows = engine_memory(rows, engine_dtype(array.dtype, role))
    _require_finite(rows.reshape(-1), lambda at: at // rows.shape[1], role)
    return rows


def as_targets(y: object, n_classes: int | None = None) -> tuple[Targets, int | None]:
    """Check targets, and return them as labels or as dense rows.

    Parameters
    ----------
    y : array-like
        Labels: shape (N,) of integers or whole floats, or shape (N, 1) of integers. Anything else
        that `as_inputs` takes is dense: one row of targets a sample, one-hot rows included.
    n_classes : int, optional
        How many classes there are. Inferred from the largest label if it is not given; for dense
        targets, the number of columns they must have.

    Returns
    -------
    targets : ndarray
        int64 labels of shape (N,), always a copy; or dense rows as `as_inputs` returns them.
    n_classes : int or None
        The number of classes, None for dense targets.

    Raises
    ------
    DataError
        For labels that are out of range or not whole, and for what `as_inputs` refuses.
    ConfigurationError
        For an `n_classes` that is not a positive integer.
    """
    _require_class_count(n_classes)
    array = as_array(y, "targets")
    is_column = array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind in "bui"
    if array.ndim == 1 or is_column:
        return _as_labels(array.reshape(-1), n_classes)
    dense = as_inputs(array, "targets")
    if n_classes is not None and dense.shape[1] != n_classes:
        raise DataError(
            f"expected dense targets of {n_classes} columns, one a class, "
            f"got shape {dense.shape}; pass labels of shape (samples,) or matching columns"
        )
    return dense, None


def as_weights(sample_weight: object, n_samples: int) -> NDArray[np.float64]:
    """Check samples' weights, and return them as float64 of shape (N,), always a copy.

    Raises
    ------
    DataError
        Unless there is one for each sample, none is negative or not finite, and not all are 0.
    """
    weights = as_array(sample_weight, "sample weights").astype(np.float64)
    if weights.shape != (n_samples,):
        raise DataError(
            f"expected {n_samples} sample weights, one for each sample, got shape {weights.shape}; pass as many"
        )
    _require_finite(weights, lambda at: at, "sample weights")
    if weights.min() < 0 or weights.max() == 0:
        raise DataError(
            f"expected sample weights that are not negative and not all zero, got {weights.min():g} to "
            f"{weights.max():g}; drop such samples"
        )
    return weights


def _as_labels(labels: NDArray[Any], n_classes: int | None) -> tuple[NDArray[np.int64], int]:
    """Return `labels`, shape (N,), as int64, with the number of classes."""
    if labels.size == 0:
        raise DataError("expected at least one label, got none; check how the data was selected")
    if labels.dtype.kind == "f":
        _require_finite(labels, lambda at: at, "labels")
        fractional = np.flatnonzero(labels != np.floor(labels))
        if fractional.size:
            raise DataError(
                f"expected whole numbers as labels, got {labels[fractional[0]]} "
                f"in sample {fractional[0]}; for regression pass targets of shape (samples, 1)"
            )
    if n_classes is None:
        n_classes = min(max(int(labels.max()) + 1, 1), MAX_CLASSES)
    outside = np.flatnonzero((labels < 0) | (labels >= n_classes))
    if outside.size:
        raise DataError(
            f"expected labels from 0 to {n_classes - 1}, got {labels[outside[0]]} "
            f"in sample {outside[0]}; number the classes from 0"
        )
    return labels.astype(np.int64), n_classes


def _require_class_count(n_classes: Any) -> None:
    """Raise ConfigurationError unless `n_classes` is None or a usable number of classes."""
    if n_classes is None:
        return
    is_integer = isinstance(n_classes, int | np.integer) and not isinstance(n_classes, bool)
    if not is_integer or not 1 <= n_classes <= MAX_CLASSES:
        raise ConfigurationError(
            f"expected a positive number of classes, got {n_classes!r}; "
            "pass an integer, or None to infer it from the labels"
        )


def _require_finite(values: NDArray[Any], sample_of: Callable[[int], int], role: str) -> None:
    """Raise DataError if `values`, shape (M,), holds NaN or infinity; `sample_of` locates it."""
    if values.dtype.kind != "f" or values.size == 0:
        return
    # Nothing here makes a temporary array. One pass over large data will mostly do; where finite numbers add up to
    # infinity, the extremes tell, through which NaN propagates.
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum()) or (np.isfinite(values.min()) and np.isfinite(values.max())):
            return
    entry = int(np.flatnonzero(~np.isfinite(values))[0])
    raise DataError(
        f"expected finite {role}, got {values[entry]} in sample {sample_of(entry)}; clean or drop such samples"
    )
