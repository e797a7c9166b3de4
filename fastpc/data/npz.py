"""NumPy archives with the four arrays of Keras's ``mnist.npz``.

The members are read here and not by ``numpy.load``: it allocates whatever a header claims before
it looks at the data. A pickle is never opened.
"""

import math
import os
import zipfile
from pathlib import Path
from typing import IO, Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from fastpc.data.dataset import Dataset, as_dataset
from fastpc.data.files import read_array, reading, train_and_test, unpacked_limit
from fastpc.errors import DataError

NAMES = ("x_train", "y_train", "x_test", "y_test")


def load_npz(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """Read ``x_train``, ``y_train``, ``x_test`` and ``y_test`` from a ``.npz`` archive.

    Parameters
    ----------
    path : path-like
        Compressed or not. Other members are ignored.

    Returns
    -------
    train, test : Dataset
        Named after the file. uint8 images stay uint8, scaled by 1/255 on their way in.

    Raises
    ------
    DataError
        If the file is missing, corrupt, truncated or unreasonably large when unpacked, if an array
        is missing or holds Python objects, or if the arrays cannot be trained on.
    """
    path = Path(path)
    with reading(path):
        return train_and_test(_arrays(path, NAMES), path.stem)


def load_npz_training(path: str | os.PathLike[str]) -> Dataset:
    """Read ``x_train`` and ``y_train`` alone: what else is in the archive is not touched, and need not be there.

    Raises
    ------
    DataError
        As `load_npz` does.
    """
    path = Path(path)
    with reading(path):
        return as_dataset(_arrays(path, NAMES[:2]), name=path.stem)


def _arrays(path: Path, names: tuple[str, ...]) -> tuple[NDArray[Any], ...]:
    """Read the arrays of these names, and nothing else."""
    limit = unpacked_limit(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = set(archive.namelist())
        missing = [name for name in names if f"{name}.npy" not in members]
        if missing:
            held = ", ".join(sorted(member.removesuffix(".npy") for member in members)[:8])
            raise DataError(f"expected the arrays {', '.join(names)}, got {held or 'none'}; add {', '.join(missing)}")
        return tuple(read_member(archive, name, limit) for name in names)


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> NDArray[Any]:
    """Read one array of at most `limit` bytes from an archive."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as stream:
        return read_npy(stream, info.file_size, name, limit)


def read_npy(stream: IO[bytes], size: int, name: str, limit: int) -> NDArray[Any]:
    """Read an array from a ``.npy`` stream of `size` bytes, at most `limit`; its header must agree with these."""
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran_order, dtype = npy.read_array_header_2_0(stream)
    else:
        raise DataError(f"expected {name} in npy format 1.0 or 2.0, got {version}; save plain numbers")
    if dtype.kind not in "buif":
        raise DataError(
            f"expected numbers in {name}, got dtype {dtype}; "
            "save plain numeric arrays, as pickled objects are never loaded"
        )
    count = math.prod(shape)
    if count < 0 or count * dtype.itemsize != size - stream.tell():
        raise DataError(
            f"expected {name} to fill its header's shape {shape} of {dtype}, got "
            f"{size - stream.tell()} bytes; the file is corrupt: fetch it again"
        )
    if size > limit:
        raise DataError(
            f"expected {name} to unpack to at most {limit} bytes, got {size}; use a smaller archive or pass arrays"
        )
    values = read_array(stream, dtype, count)
    return values.reshape(shape, order="F" if fortran_order else "C")
