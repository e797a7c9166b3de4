"""Files that are written whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fastpc.errors import CheckpointError


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file beside its place, flush it to disk and rename it there: whole, or not at all.

    Raises
    ------
    CheckpointError
        If it cannot be written; what stood there before is then untouched.
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_beside(path))
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        temporary = None
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except (OSError, ValueError) as error:
        size = sum(len(part) for part in parts)
        raise CheckpointError(
            f"{path}: expected a place to write {size} bytes, got {error}; free some space or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while they wrote `path` left beside it."""
    for leftover in path.parent.glob(f"{_beside(path)}*"):
        leftover.unlink(missing_ok=True)


def _beside(path: Path) -> str:
    return f".{path.name}."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
