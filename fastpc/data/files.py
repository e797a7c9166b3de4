"""What the file formats share: bounded reading, and errors that name the file."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastpc.data.dataset import Dataset, as_dataset
from fastpc.errors import DataError

_MAX_UNPACKED = 2**31
_MAX_DEFLATE_RATIO = 1032
_CHUNK = 2**20


class Readable(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


def unpacked_limit(size: int) -> int:
    """Return how many bytes we let a compressed file of `size` bytes unpack to.

    Deflate cannot shrink data by more than 1032 times, so a file that claims more is lying; and
    beyond 2 GiB only what is not much compressed at all is let through.
    """
    return max(size, min(size * _MAX_DEFLATE_RATIO, _MAX_UNPACKED))


def read_array(stream: Readable, dtype: "np.dtype[Any]", count: int) -> NDArray[Any]:
    """Read `count` numbers, and make sure that nothing follows them.

    The caller has checked that `count` is plausible for the file: this much memory is allocated.

    Returns
    -------
    ndarray of `dtype`, shape (count,)

    Raises
    ------
    DataError
        If the stream holds fewer or more bytes.
    """
    array = np.empty(count, dtype)
    buffer = array.view(np.uint8)
    filled = 0
    while filled < buffer.size:
        chunk = stream.read(min(_CHUNK, buffer.size - filled))
        if not chunk:
            raise DataError(
                f"expected {buffer.size} bytes of values, got {filled}; the file is truncated: fetch it again"
            )
        buffer[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
    # Reaching the end is also what makes gzip and zip verify their checksums.
    if stream.read(1):
        raise DataError(f"expected {buffer.size} bytes of values, got more; the file is corrupt: fetch it again")
    return array


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `path` is read into a DataError that names it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise DataError(f"expected a file at {path}, got none; check the path") from error
    except (
        OSError,  # gzip.BadGzipFile is one
        EOFError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        NotImplementedError,  # a zip archive's exotic compression
        RuntimeError,  # an encrypted zip archive
    ) as error:
        raise DataError(
            f"expected a readable data file at {path}, got a broken one ({error}); fetch it again"
        ) from error


def train_and_test(arrays: tuple[Any, ...], name: str) -> tuple[Dataset, Dataset]:
    """Make the two data sets of ``(x_train, y_train, x_test, y_test)``.

    Raises
    ------
    DataError
        If either is bad, or if the test set's inputs differ from the training set's in kind.
    """
    x_train, y_train, x_test, y_test = arrays
    if x_train.shape[1:] != x_test.shape[1:] or x_train.dtype != x_test.dtype:
        raise DataError(
            f"expected test inputs like the training inputs, {x_train.dtype} {x_train.shape[1:]}, "
            f"got {x_test.dtype} {x_test.shape[1:]}; check that the files belong together"
        )
    train = as_dataset(x_train, y_train, name=name)
    test = as_dataset(x_test, y_test, target_scale=train.target_scale, name=name)
    if train.n_classes and test.n_classes:
        # A small set may lack the highest class; the network needs an output for it all the same.
        n_classes = max(train.n_classes, test.n_classes)
        train = as_dataset(train, n_classes=n_classes)
        test = as_dataset(test, n_classes=n_classes)
    if train.n_outputs != test.n_outputs:
        raise DataError(
            f"expected test targets of width {train.n_outputs}, as in training, "
            f"got {test.n_outputs}; check that the files belong together"
        )
    return train, test
