"""Files of tensors: safetensors, every byte of them checked as they are read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc.errors import CheckpointError
from fastpc.files import write_whole

# Of the header, by which a damaged length is known before anything of that length is read.
MOST_HEADER_BYTES = 4 * 2**20
_LENGTH = 8
# Where the header's own digest stands in the header, and what stands there while it is taken.
_SEAL = re.compile(rb'(?<=\\"header_sha256\\": \\")[0-9a-f]{64}')
_NO_SEAL = "0" * 64


def refusal(path: object, key: str, expected: object, got: object, remedy: str) -> CheckpointError:
    """Return the error that says what a file should hold under `key`, what it holds, and what to do."""
    return CheckpointError(f"{path}: expected {key} {expected!s:.200}, got {got!s:.200}; {remedy}")


def write_tensors(path: Path, description: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write a description, which JSON can say, and tensors to a safetensors file: the same bytes for the same content.

    Beside the description stand each tensor's dtype, shape and digest, and a digest of the header itself.

    Raises
    ------
    CheckpointError
        If the file cannot be written; what stood there before is then untouched.
    """
    from safetensors.numpy import save

    # The library writes the memory of an array in another order as it lies.
    tensors = {key: np.asarray(tensor, order="C") for key, tensor in tensors.items()}
    # One metadata entry: safetensors keeps several in no fixed order.
    text = json.dumps(
        {**description, "tensors": _inventory(tensors), "header_sha256": _NO_SEAL}, sort_keys=True, allow_nan=False
    )
    content = save(tensors, {"fastpc": text})
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    if end - _LENGTH > MOST_HEADER_BYTES:
        raise refusal(path, "a header of at most", MOST_HEADER_BYTES, f"{end - _LENGTH} bytes", "describe less")
    head = content[:end]
    sealed, n_seals = _SEAL.subn(_digest(head).encode(), head)
    assert n_seals == 1
    write_whole(path, sealed, memoryview(content)[end:])


def read_tensors(path: Path, *formats: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the tensors that `write_tensors` wrote.

    Takes time and memory in proportion to the file's size, whatever stands in it, and runs nothing of it.

    Parameters
    ----------
    path : pathlib.Path
    *formats : str
        What the description may have as its "format".

    Raises
    ------
    CheckpointError
        If the file is missing, damaged in any bit, or something else's.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    again = "the file is damaged or was changed, so use another copy"
    wanted = " or ".join(formats)
    try:
        if path.exists() and not path.is_file():
            raise refusal(path, "to be", "a file", "a folder or a device", "name the file in it")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(_LENGTH)
            length, most = int.from_bytes(start, "little"), min(MOST_HEADER_BYTES, size - _LENGTH)
            if length > most:
                raise refusal(path, "a header of at most", f"{most} bytes", length, again)
            head = start + file.read(length)
            metadata = json.loads(head[_LENGTH:]).get("__metadata__", {})
            description = json.loads(metadata["fastpc"]) if "fastpc" in metadata else None
            if not isinstance(description, dict) or "format" not in description:
                raise refusal(path, "format", wanted, "another program's file", "name one that fastpc wrote")
            if description["format"] not in formats:
                remedy = "load it as what it is, or use the release of fastpc that wrote it"
                raise refusal(path, "format", wanted, description["format"], remedy)
            tensors = load(head + file.read())
        expected, found = dict(description.pop("tensors")), _inventory(tensors)
        for key in sorted({*expected, *found}):
            if expected.get(key) != found.get(key):
                raise refusal(path, f"tensor {key}", expected.get(key, "none"), found.get(key, "none"), again)
        seal, digest = description.pop("header_sha256"), _digest(_SEAL.sub(_NO_SEAL.encode(), head))
        if seal != digest:
            raise refusal(path, "header_sha256", seal, digest, again)
    except FileNotFoundError as error:
        raise refusal(path, "to be", "a file", "none", "check the path") from error
    except (
        OSError, SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError,
    ) as error:  # fmt: skip
        reason = str(error) or type(error).__name__
        raise refusal(path, "to be", "a whole safetensors file that fastpc wrote", reason, again) from error
    return description, tensors


def _inventory(tensors: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return each tensor's dtype, shape and digest."""
    return {key: [tensor.dtype.name, list(tensor.shape), _digest(tensor.tobytes())] for key, tensor in tensors.items()}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
