"""Where the benchmarks' images come from: the real MNIST in one file, which every process reads for itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError

CHECKOUT = Path(__file__).resolve().parents[1]
VARIABLE = "FASTPC_DATA"


@dataclass(frozen=True)
class Mnist:
    """Images (N, 784) of uint8 and labels (N,) of int64, to train on and to test on."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]

    def validation_split(self, n_held_out: int = 10_000) -> "Mnist":
        """Return the training set's last images as the test set: settings are chosen on these."""
        kept = len(self.labels) - n_held_out
        return Mnist(self.images[:kept], self.labels[:kept], self.images[kept:], self.labels[kept:])


def find(named: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the .npz file: the one named, the environment's, one beside the checkout, or Keras's.

    Raises
    ------
    BenchmarkError
        If there is none.
    """
    asked = named or environ.get(VARIABLE)
    if asked:
        candidates = [Path(asked), Path(asked) / "mnist.npz"]
    else:
        keras = Path(environ.get("KERAS_HOME") or Path.home() / ".keras")
        candidates = [parent / "shared" / "data" / "mnist.npz" for parent in CHECKOUT.parents]
        candidates.append(keras / "datasets" / "mnist.npz")
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    where = str(asked) if asked else "the environment, beside the checkout or in Keras's cache"
    raise BenchmarkError(
        f"expected MNIST as one .npz file, got none at {where}; name one with --data or the variable {VARIABLE}"
    )


def load(path: Path | str) -> Mnist:
    """Read the file that `find` found."""
    with np.load(path, allow_pickle=False) as arrays:
        return Mnist(
            arrays["x_train"].reshape(-1, 784),
            arrays["y_train"].astype(np.int64),
            arrays["x_test"].reshape(-1, 784),
            arrays["y_test"].astype(np.int64),
        )
