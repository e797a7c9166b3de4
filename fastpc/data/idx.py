"""IDX files, the format MNIST was published in, plain or compressed with gzip.

Two zero bytes, one byte for the type, one for the number of dimensions, the dimensions as
big-endian 32-bit numbers, then the values, big-endian as well.
"""

import gzip
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data.dataset import Dataset, as_dataset
from fastpc.data.files import Readable, read_array, reading, train_and_test, unpacked_limit
from fastpc.errors import DataError

# In the order (x_train, y_train, x_test, y_test).
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"


def load_idx(folder: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read the four IDX files of MNIST, or of a data set in its likeness, from a folder.

    Parameters
    ----------
    folder : path-like
        Holds ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``
        and ``t10k-labels-idx1-ubyte``, each as it is or with ``.gz``; ``.idx3-ubyte`` for
        ``-idx3-ubyte`` is understood too.

    Returns
    -------
    train, test : Dataset
        Named after the folder. uint8 images stay uint8, scaled by 1/255 on their way in.

    Raises
    ------
    DataError
        If a file is missing, corrupt or truncated, or the arrays cannot be trained on.
    """
    folder = Path(folder)
    arrays = _arrays(folder, STEMS, "four")
    with reading(folder):
        return train_and_test(arrays, folder.resolve().name)


def load_idx_training(folder: str | os.PathLike[str]) -> Dataset:
    """Read the training set's two files alone; those of the test set are not opened, and need not be there.

    Raises
    ------
    DataError
        As `load_idx` does.
    """
    folder = Path(folder)
    arrays = _arrays(folder, STEMS[:2], "training set's")
    with reading(folder):
        return as_dataset(arrays, name=folder.resolve().name)


def _arrays(folder: Path, stems: tuple[str, ...], which: str) -> tuple[NDArray[Any], ...]:
    """Read the files of these names, and no others."""
    found = [_find(folder, stem) for stem in stems]
    missing = [stem for stem, path in zip(stems, found, strict=True) if path is None]
    if missing:
        raise DataError(
            f"expected the {which} IDX files of MNIST in {folder}, got none named "
            f"{' or '.join(missing)}; add them, plain or as .gz"
        )
    return tuple(read_idx(path) for path in found if path is not None)


def has_idx(folder: Path) -> bool:
    """Tell whether `folder` holds any of the four files."""
    return any(_find(folder, stem) for stem in STEMS)


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one IDX file; gzip is recognised by its first bytes, not by the name.

    Returns
    -------
    ndarray
        In the machine's own byte order, with the shape that the file gives.

    Raises
    ------
    DataError
        If the file is missing, not IDX, corrupt or truncated. The header's claim is checked
        against the file's size before any memory is allocated.
    """
    path = Path(path)
    with reading(path), path.open("rb") as file:
        size = path.stat().st_size
        is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        file.seek(0)
        if is_gzip:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read(unpacked, unpacked_limit(size), exact=False)
        return _read(file, size, exact=True)


def _read(stream: Readable, size: int, *, exact: bool) -> NDArray[Any]:
    """Read an IDX stream of `size` bytes, or of at most so many where `exact` is false."""
    zeros, code, ndim = struct.unpack(">HBB", _take(stream, 4))
    if zeros != 0 or code not in _DTYPES or not 1 <= ndim <= 4:
        raise DataError(
            f"expected an IDX header, got bytes {zeros:04x} {code:02x} {ndim:02x}; check that this is an IDX file"
        )
    shape = struct.unpack(f">{ndim}I", _take(stream, 4 * ndim))
    dtype = np.dtype(_DTYPES[code])
    count = math.prod(shape)
    expected = 4 + 4 * ndim + count * dtype.itemsize
    if expected > size or (exact and expected != size):
        raise DataError(
            f"expected {expected} bytes for the header's shape {shape}, got "
            f"{size if exact else f'a file that unpacks to {size} at most'}; "
            "the file is truncated or corrupt: fetch it again"
        )
    values = read_array(stream, dtype, count)
    return values.astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def _take(stream: Readable, count: int) -> bytes:
    """Read `count` bytes of the header."""
    header = stream.read(count)
    if len(header) != count:
        raise DataError("expected an IDX header, got the end of the file; fetch it again")
    return header


def _find(folder: Path, stem: str) -> Path | None:
    """Return the file of that name in `folder`, in any of its usual spellings."""
    for spelling in (stem, stem.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            path = folder / (spelling + suffix)
            if os.path.isfile(path):  # unlike Path.is_file, False in a folder closed to us
                return path
    return None
