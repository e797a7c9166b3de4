"""A data set that exists is valid: the engine relies on it and checks nothing again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.checks import require_number
from fastpc.data.arrays import Inputs, Targets, as_array, as_inputs, as_targets, as_weights
from fastpc.data.csr import is_sparse
from fastpc.data.scale import default_scale
from fastpc.data.shuffle import permutation
from fastpc.data.stream import collect
from fastpc.errors import ConfigurationError, DataError

# Keeps the split's use of a seed apart from the shuffle's, which names an epoch here.
_SPLIT_STREAM = (2**32 - 1, 0)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and targets of N samples, checked once.

    The arrays are checked and normalised on construction, so every data set that exists can be
    trained on. Inputs keep their type (uint8 images stay uint8) and share the caller's memory
    where they can: do not change them afterwards. `as_dataset` chooses the scales for you.

    Parameters
    ----------
    inputs : array-like or SciPy sparse matrix
        What `as_inputs` takes. Stored as a C-contiguous array or CSR array of shape (N, n_0).
    targets : array-like
        What `as_targets` takes. Stored as int64 labels of shape (N,) or dense rows (N, n_L).
    n_classes : int, optional
        The number of classes, inferred from labels if not given. None for dense targets.
    name : str
        What to call the data in messages.
    scale, target_scale : float
        Multiply the inputs, and dense targets, on their way into the network.
    sample_weight : array-like of shape (N,), optional
        How much each sample counts in training, at least 0; only their proportions matter. With all samples in one
        batch, a whole number counts as so many repetitions. Stored as float64.

    Raises
    ------
    DataError
        For anything that cannot be trained on; see `as_inputs` and `as_targets`.
    ConfigurationError
        For a scale that is not a positive number.
    """

    inputs: Inputs = field(repr=False)
    targets: Targets = field(repr=False)
    n_classes: int | None = None
    name: str = "arrays"
    scale: float = 1.0
    target_scale: float = 1.0
    sample_weight: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        inputs = as_inputs(self.inputs)
        targets, n_classes = as_targets(self.targets, self.n_classes)
        if inputs.shape[0] != targets.shape[0]:
            raise DataError(
                f"expected as many targets as inputs, got {targets.shape[0]} targets "
                f"for {inputs.shape[0]} inputs; check that they belong together"
            )
        require_number("Dataset", "scale", self.scale, above=0)
        require_number("Dataset", "target_scale", self.target_scale, above=0)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "n_classes", n_classes)
        if self.sample_weight is not None:
            object.__setattr__(self, "sample_weight", as_weights(self.sample_weight, inputs.shape[0]))

    def __len__(self) -> int:
        return int(self.inputs.shape[0])

    @property
    def n_features(self) -> int:
        """The width n_0 of the inputs."""
        return int(self.inputs.shape[1])

    @property
    def n_outputs(self) -> int:
        """The width n_L of the targets, which is the number of classes, or of dense columns."""
        return int(self.targets.shape[1]) if self.n_classes is None else self.n_classes

    def mean_one_weights(self) -> NDArray[np.float64] | None:
        """Return the samples' weights, divided by their mean; None where all count alike."""
        if self.sample_weight is None:
            return None
        largest = self.sample_weight / self.sample_weight.max()  # sums of these cannot overflow
        return np.asarray(largest / largest.mean())

    def take(self, indices: ArrayLike) -> "Dataset":
        """Return the samples at `indices`, integers of shape (M,), as a data set of its own.

        Raises
        ------
        DataError
            For indices that are out of range or not integers, or for none at all.
        """
        rows = np.asarray(indices)
        if rows.ndim != 1 or rows.size == 0 or rows.dtype.kind not in "iu":
            raise DataError(
                "expected at least one integer index in one dimension, "
                f"got shape {rows.shape} of {rows.dtype}; pass sample numbers"
            )
        if rows.min() < 0 or rows.max() >= len(self):
            raise DataError(
                f"expected indices from 0 to {len(self) - 1}, got {rows.min()} to {rows.max()}; pass sample numbers"
            )
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows], sample_weight=weights)

    def split(self, fraction: float, seed: int) -> tuple["Dataset", "Dataset"]:
        """Split off a random part, for validation.

        Parameters
        ----------
        fraction : float
            The part to hold out, between 0 and 1. Either side keeps at least one sample.
        seed : int
            The same seed splits the same data the same way.

        Returns
        -------
        train, held_out : Dataset
            Both in the original order.
        """
        require_number("Dataset.split", "fraction", fraction, above=0, below=1)
        if seed < 0:
            raise ConfigurationError(f"expected a seed of at least 0, got {seed}; use a non-negative integer")
        n = len(self)
        if n < 2:
            raise DataError("expected at least two samples to split, got one; use more data or no hold-out")
        held_out = min(max(round(fraction * n), 1), n - 1)
        order = permutation(n, seed, *_SPLIT_STREAM)
        return self.take(np.sort(order[held_out:])), self.take(np.sort(order[:held_out]))


def as_dataset(
    x: object,
    y: object = None,
    *,
    n_classes: int | None = None,
    scale: float | None = None,
    target_scale: float | None = None,
    sample_weight: ArrayLike | None = None,
    name: str = "arrays",
) -> Dataset:
    """Make a `Dataset` of whatever holds inputs and targets.

    Parameters
    ----------
    x : array-like, sparse matrix, Dataset, tf.data.Dataset, or iterable of batches
        Inputs, with their targets in `y`; or, without `y`, a pair ``(x, y)``, a data set, or
        anything that yields batches ``(x, y)``. Batches are gathered into arrays, once; a
        tf.data.Dataset may also yield single samples.
    y : array-like, optional
        The targets; see `as_targets` for what counts as labels.
    n_classes : int, optional
        The number of classes; inferred from labels if not given.
    scale, target_scale : float, optional
        Multiply inputs and dense targets on their way into the network. By default 1/255 for
        uint8 and 1 otherwise; also 1 for uint8 targets that hold only 0 and 1 (one-hot rows). A
        DataWarning says so of inputs that look like unscaled pixels, and are no uint8.
    sample_weight : array-like of shape (N,), optional
        How much each sample counts in training.
    name : str
        What to call the data in messages. A `Dataset` keeps its own.

    Raises
    ------
    DataError, ConfigurationError
        As `Dataset` does.
    """
    if isinstance(x, Dataset):
        if y is not None:
            raise DataError("expected a Dataset alone, got targets beside it; pass its arrays instead")
        given = {
            "n_classes": n_classes, "scale": scale, "target_scale": target_scale, "sample_weight": sample_weight,
        }  # fmt: skip
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return replace(x, **changes) if changes else x
    if y is None:
        x, y = _pair(x)
    inputs = x if is_sparse(x) else as_array(x, "inputs")
    targets = as_array(y, "targets")
    if scale is None:
        scale = default_scale(inputs)
    if target_scale is None:
        is_image = targets.dtype == np.uint8 and targets.ndim > 1 and targets.max(initial=0) > 1
        target_scale = 1 / 255 if is_image else 1.0
    return Dataset(inputs, targets, n_classes, name, scale, target_scale, sample_weight)  # type: ignore[arg-type]


def _pair(source: object) -> tuple[Any, Any]:
    """Return the inputs and targets in `source`: a pair of arrays, or an iterable of batches."""
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], tuple):
        return source
    is_array = is_sparse(source) or hasattr(source, "__array__")
    if is_array or isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable):
        raise DataError(
            f"expected inputs with targets, or batches of both, got {type(source).__name__} alone; "
            "pass (x, y), or a tf.data.Dataset or other iterable of (x, y) batches"
        )
    return collect(source)
