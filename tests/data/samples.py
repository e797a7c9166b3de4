"""Small data for the tests of this folder."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np

from fastpc.data import Dataset
from fastpc.data.idx import STEMS
from fastpc.data.npz import NAMES

Arrays = dict[str, np.ndarray[Any, Any]]

IMAGES = np.arange(6 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(6, 28, 28)
LABELS = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)


def rows(n: int = 6, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    """Return distinct numbers, shape (n, 4)."""
    return np.arange(n * 4).reshape(n, 4).astype(dtype)


def small_set() -> Arrays:
    """Return a set in MNIST's likeness, with the highest label in the test set alone."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (5, 3, 4), dtype=np.uint8),
        "y_train": np.array([0, 1, 2, 3, 4], np.uint8),
        "x_test": rng.integers(0, 256, (2, 3, 4), dtype=np.uint8),
        "y_test": np.array([9, 0], np.uint8),
    }


def pack_idx(array: np.ndarray[Any, Any], code: int = 0x08) -> bytes:
    """Return the IDX file of `array`, whose bytes are big-endian already."""
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, arrays: Arrays, suffix: str = "") -> Path:
    """Write the four IDX files into a new folder, compressed if the suffix is .gz."""
    folder.mkdir()
    for stem, name in zip(STEMS, NAMES, strict=True):
        packed = pack_idx(arrays[name])
        (folder / (stem + suffix)).write_bytes(gzip.compress(packed) if suffix else packed)
    return folder


def write_npz(path: Path, arrays: Arrays, savez: Any = np.savez) -> Path:
    """Write an archive with `savez`, `numpy.savez` or `numpy.savez_compressed`."""
    savez(path, **arrays)
    return path


def assert_is_small_set(pair: tuple[Dataset, Dataset]) -> None:
    """Check that `pair` holds `small_set`, its ten classes known to both halves."""
    arrays = small_set()
    for data, part in zip(pair, ("train", "test"), strict=True):
        x = arrays[f"x_{part}"]
        assert data.inputs.dtype == np.uint8
        assert np.array_equal(data.inputs, x.reshape(len(x), -1))
        assert np.array_equal(data.targets, arrays[f"y_{part}"])
        assert (data.scale, data.n_classes) == (1 / 255, 10)
