"""A network's weights or biases, layer by layer: views to read and to write, and a hash of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.errors import ConfigurationError


class LayerArrays(Sequence[NDArray[Any]]):
    """The arrays of layers 1 … L: index to read or to write in place, assign to replace the numbers."""

    def __init__(self, kind: str, arrays: list[NDArray[Any]]) -> None:
        self._kind = kind
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter(self._arrays)

    def __getitem__(self, index: Any) -> Any:
        return self._arrays[index]

    def __setitem__(self, index: int, values: ArrayLike) -> None:
        self._arrays[index][:] = self._checked(index, values)

    def _checked(self, index: int, values: ArrayLike) -> NDArray[np.float64]:
        """Return the numbers for layer `index`, if they are such."""
        if not isinstance(index, int) or not -len(self) <= index < len(self):
            raise ConfigurationError(
                f"expected the index of one of {len(self)} layers, got {index!r}; assign one layer's array at a time"
            )
        try:
            numbers = np.asarray(values, np.float64)
        except (TypeError, ValueError):
            numbers = np.full(1, np.nan)
        shape = self._arrays[index].shape
        if numbers.shape != shape and np.isfinite(numbers).all():
            raise ConfigurationError(
                f"expected {self._kind}[{index}] of shape {shape}, got {numbers.shape}; pass an array of that shape"
            )
        if not np.isfinite(numbers).all():
            raise ConfigurationError(
                f"expected finite {self._kind}[{index}], got NaN, infinity or no numbers; pass finite numbers"
            )
        return numbers

    def assign(self, values: Sequence[ArrayLike]) -> None:
        """Replace the numbers of all layers.

        Raises
        ------
        ConfigurationError
            If there are not as many arrays, or one is not of its layer's shape or not finite.
        """
        if not hasattr(values, "__len__") or isinstance(values, str) or len(values) != len(self):
            raise ConfigurationError(
                f"expected {len(self)} arrays, one for each layer, got {values!r:.60}; pass as many"
            )
        # All are checked before any is written.
        checked = [self._checked(index, value) for index, value in enumerate(values)]
        for array, numbers in zip(self._arrays, checked, strict=True):
            array[:] = numbers

    def __repr__(self) -> str:
        shapes = ", ".join(str(array.shape) for array in self._arrays)
        return f"<{self._kind} of layers 1 to {len(self)}: {shapes}>"


def sha256_of(arrays: Iterable[NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays' numbers one after the other, each in C order, little-endian, as hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
