"""Finding MNIST: a path, the environment, Keras's cache, Keras's download, or else the digits."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from fastpc.data.dataset import Dataset, as_dataset
from fastpc.data.digits import load_digits
from fastpc.data.files import train_and_test
from fastpc.data.idx import has_idx, load_idx, load_idx_training
from fastpc.data.npz import load_npz, load_npz_training
from fastpc.errors import DataError, DependencyError
from fastpc.extras import tensorflow

# Names a file or folder to use instead of Keras's MNIST.
VARIABLE = "FASTPC_DATA"

Found = TypeVar("Found", Dataset, tuple[Dataset, Dataset])


def load_mnist() -> tuple[Dataset, Dataset]:
    """Return MNIST as `tf.keras.datasets.mnist` has it: 60,000 and 10,000 images of 28×28.

    Keras's cached file is read directly, without TensorFlow. Where there is none, TensorFlow is
    imported to download it.

    Returns
    -------
    train, test : Dataset
        uint8 inputs (N, 784), scaled by 1/255 on their way in, and labels 0 to 9.

    Raises
    ------
    DataError
        With the reason and the remedy, if the cached file is broken, TensorFlow is missing, or the
        download fails.
    """
    return _load_mnist(_BOTH)


def find(
    source: str | os.PathLike[str] = "auto",
    *,
    warn: Callable[[str], object] = warnings.warn,
) -> tuple[Dataset, Dataset]:
    """Return the training and test sets that `source` stands for.

    Parameters
    ----------
    source : str or path-like
        - ``"auto"``: the file or folder that the variable FASTPC_DATA names, else MNIST as
          `load_mnist` finds it, else, with a warning, the embedded digits.
        - ``"mnist"``: the same, but an error where there is no MNIST.
        - ``"digits"``: the embedded digits.
        - A path: a ``.npz`` file, a folder of IDX files, or a folder that holds ``mnist.npz``.
    warn : callable
        Called with one string, the reason and the remedy, if ``"auto"`` falls back on the digits.

    Returns
    -------
    train, test : Dataset

    Raises
    ------
    DataError
        If what `source` or FASTPC_DATA names cannot be read or trained on.
    """
    return _find(source, warn, _BOTH)


def find_training(
    source: str | os.PathLike[str] = "auto",
    *,
    warn: Callable[[str], object] = warnings.warn,
) -> Dataset:
    """Return the training set that `source` stands for; the test set's files and arrays are not even read.

    A class that occurs in the test set alone is therefore none here.

    Parameters
    ----------
    source, warn
        As `find` takes them.

    Raises
    ------
    DataError
        As `find` does.
    """
    return _find(source, warn, _TRAINING)


class _Readers(NamedTuple, Generic[Found]):
    """How to read each kind of source, for what is wanted of it."""

    npz: Callable[[Path], Found]
    idx: Callable[[Path], Found]
    digits: Callable[[], Found]
    arrays: Callable[[tuple[Any, ...]], Found]


_BOTH = _Readers(load_npz, load_idx, load_digits, lambda arrays: train_and_test(arrays, "mnist"))
_TRAINING = _Readers(
    load_npz_training, load_idx_training, lambda: load_digits()[0], lambda arrays: as_dataset(arrays[:2], name="mnist")
)


def _find(source: str | os.PathLike[str], warn: Callable[[str], object], read: _Readers[Found]) -> Found:
    if source == "digits":
        return read.digits()
    if source not in ("auto", "mnist"):
        return _load_path(Path(source), "auto, mnist, digits, or the path of a file or folder", read)
    if path := os.environ.get(VARIABLE):
        return _load_path(Path(path), f"{VARIABLE} to name a file or folder", read)
    try:
        return _load_mnist(read)
    except DataError as error:
        reason = f"{error}, or set {VARIABLE} to a .npz file or a folder of IDX files"
        if source == "mnist":
            raise DataError(reason) from error
        warn(
            f"MNIST is not at hand, so scikit-learn's 1,797 digits of 8×8 pixels are used instead. The reason: {reason}"
        )
        return read.digits()


def _load_mnist(read: _Readers[Found]) -> Found:
    cached = keras_cache()
    try:
        # os.path, because Path.is_file raises in a home that is closed to us.
        return read.npz(cached) if os.path.isfile(cached) else _download(read)
    except DataError as error:
        raise DataError(f"{error}, or put a sound mnist.npz at {cached}") from error


def keras_cache() -> Path:
    """Return where Keras keeps MNIST, whether it is there or not."""
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    return Path(home, "datasets", "mnist.npz")


def _load_path(path: Path, expectation: str, read: _Readers[Found]) -> Found:
    """Load a file, or a folder in whichever form it holds the data."""
    if not os.path.exists(path):
        raise DataError(f"expected {expectation}, got {str(path)!r}; check the spelling")
    if not path.is_dir():
        return read.npz(path)
    if has_idx(path):
        return read.idx(path)
    if (path / "mnist.npz").is_file():
        return read.npz(path / "mnist.npz")
    raise DataError(f"expected IDX files or mnist.npz in {path}, got neither; add them, or name a .npz file directly")


def _download(read: _Readers[Found]) -> Found:
    """Let Keras download MNIST into its cache."""
    try:
        tf = tensorflow("Keras's download of MNIST")
    except DependencyError as error:
        raise DataError(str(error)) from error
    try:
        # Keras reports its progress on standard output, which belongs to our own results.
        with contextlib.redirect_stdout(sys.stderr):
            (x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise DataError(f"expected Keras to download MNIST, got a failure ({error}); check the connection") from error
    return read.arrays((x_train, y_train, x_test, y_test))
