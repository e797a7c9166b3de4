"""Images alone, without labels, from a file: ``.npy``, ``.npz``, ``.csv`` or IDX."""

import io
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.data.files import reading, unpacked_limit
from fastpc.data.idx import read_idx
from fastpc.data.npz import read_member, read_npy
from fastpc.errors import DataError

NAMES = ("images", "x", "x_test")
"""Which arrays of an archive are taken for images, the first that is there; an only array may have any name."""


def read_images(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read images from a file.

    Parameters
    ----------
    path : path-like
        ``.npy`` holds one array, ``.npz`` one, or one of `NAMES`; ``.csv`` numbers with commas between them, a line for
        each image, perhaps below a line of names; anything else is read as IDX, plain or compressed.

    Returns
    -------
    ndarray, shape (N, pixels) or (N, height, width)
        As the file has them. Lines of whole numbers from 0 to 255 become uint8.

    Raises
    ------
    DataError
        If the file is missing, damaged, or holds something else.
    """
    path = Path(path)
    if path.suffix not in (".npy", ".npz", ".csv"):
        return read_idx(path)
    with reading(path):
        size = path.stat().st_size
        if path.suffix == ".csv":
            return _read_csv(path)
        if path.suffix == ".npy":
            with path.open("rb") as file:
                return read_npy(file, size, "the images", size)
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist()]
            found = [name for name in NAMES if name in held] or (held if len(held) == 1 else [])
            if not found:
                raise DataError(
                    f"expected an array of images, {', '.join(NAMES)} or an only one, got "
                    f"{', '.join(held[:8]) or 'none'}; rename it"
                )
            return read_member(archive, found[0], unpacked_limit(size))


def _read_csv(path: Path) -> NDArray[Any]:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0]
    has_names = any(character.isalpha() for character in first.replace("e", "").replace("E", ""))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # of a file without any number
        try:
            rows = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=int(has_names), ndmin=2)
        except UserWarning as error:
            raise DataError(f"expected a line of numbers for each image, got none ({error}); check the file") from error
    whole = bool(np.all((rows >= 0) & (rows <= 255) & (rows == np.floor(rows)))) and rows.max() > 1
    return rows.astype(np.uint8) if whole else rows
