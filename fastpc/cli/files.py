"""Files that commands write beside those of a run."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.errors import ConfigurationError


def write_file(path: Path, content: bytes) -> None:
    """Write a file, with the folders above it.

    Raises
    ------
    ConfigurationError
        If that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(
            f"expected --out to be a file that can be written, got {str(path)!r} ({error.strerror or error}); choose "
            "another place"
        ) from error


def as_npy(array: NDArray[Any]) -> bytes:
    """Return an array as a ``.npy`` file has it."""
    return _written(lambda file: np.save(file, array))


def as_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as a compressed ``.npz`` file has them."""
    return _written(lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def as_csv(header: list[str], *columns: NDArray[Any]) -> bytes:
    """Return columns (N,) or (N, width) side by side, as a ``.csv`` file has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in zip(*columns, strict=True):
        writer.writerow([value for part in row for value in np.atleast_1d(part).tolist()])
    return text.getvalue().encode()


def _written(write: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()
