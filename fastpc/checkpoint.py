"""Networks in files: safetensors, written whole or not at all, read strictly."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.errors import CheckpointError, ConfigurationError
from fastpc.network import PCNetwork

Network = TypeVar("Network", PCNetwork, BidirectionalNetwork)
FORMAT, BIDIRECTIONAL_FORMAT = "fastpc network 1", "fastpc bidirectional network 1"


def save_network(network: PCNetwork | BidirectionalNetwork, path: str | PathLike[str]) -> None:
    """Write a network's settings and parameters to `path`.

    Raises
    ------
    CheckpointError
        If the file cannot be written; what stood there before is then untouched.
    """
    from safetensors.numpy import save

    settings = {
        "sizes": network.sizes,
        "activations": network.activations,
        "loss": network.loss,
        "dtype": network.dtype,
        "seed": network.seed,
        "initializer": network.initializer,
        **{name: getattr(network, name) for name in _more_settings(type(network))},
    }
    tensors: dict[str, NDArray[Any]] = {}
    for prefix, part in parts_of(network).items():
        for l, (weights, biases) in enumerate(zip(part.weights, part.biases, strict=True), 1):
            tensors[f"{prefix}weights.{l}"] = np.ascontiguousarray(weights)
            tensors[f"{prefix}biases.{l}"] = np.ascontiguousarray(biases)
    # One metadata entry: safetensors keeps several in no fixed order, and the bytes should be the same every time.
    description = json.dumps({"format": _format(type(network)), "sha256": _digest(tensors), **settings}, sort_keys=True)
    write_whole(Path(path), save(tensors, {"fastpc": description}))


def _format(kind: type) -> str:
    return BIDIRECTIONAL_FORMAT if issubclass(kind, BidirectionalNetwork) else FORMAT


def _more_settings(kind: type) -> tuple[str, ...]:
    """Return the settings that networks of this kind have beside those of all."""
    return () if issubclass(kind, BidirectionalNetwork) else ("residual", "scaling")


def parts_of(network: PCNetwork | BidirectionalNetwork) -> dict[str, PCNetwork]:
    """Return the networks that have the parameters, by what the names of their tensors begin with."""
    if isinstance(network, BidirectionalNetwork):
        return {"recognition.": network.recognition, "generation.": network.generation}
    return {"": network}


def kind_of_network(path: str | PathLike[str]) -> type[PCNetwork] | type[BidirectionalNetwork]:
    """Return which kind of network stands in a file; what is none of these is read, and refused, as a PCNetwork."""
    description, _ = read_tensors(Path(path))
    return BidirectionalNetwork if description.get("format") == BIDIRECTIONAL_FORMAT else PCNetwork


def load_network(path: str | PathLike[str], kind: type[Network]) -> Network:
    """Return the network of this kind that `save_network` wrote to `path`.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or something else's.
    """
    description, tensors = read_tensors(Path(path))
    if description.get("format") != _format(kind):
        raise CheckpointError(
            f"{path}: expected the format {_format(kind)!r}, got {description.get('format')!r}; "
            f"load a file that {kind.__name__}.save wrote"
        )
    _check_tensors(path, description, tensors)
    try:
        network = kind(
            description["sizes"],
            description["activations"],
            description["loss"],
            description["dtype"],
            description["seed"],
            "standard_normal" if description.get("scaling") else "notebook",
            **{name: description[name] for name in _more_settings(kind) if name in description},
        )
        for part in parts_of(network).values():
            part.__dict__["initializer"] = str(description["initializer"])
    except (KeyError, TypeError, ConfigurationError) as error:
        raise CheckpointError(f"{path}: expected the settings of a network, got damaged ones ({error})") from error
    for prefix, part in parts_of(network).items():
        for name, arrays in (("weights", part.weights), ("biases", part.biases)):
            for l, array in enumerate(arrays, 1):
                array[:] = tensors[f"{prefix}{name}.{l}"]
    return network


def _check_tensors(path: str | PathLike[str], description: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless the tensors are those of the sizes described: before a network of any size is made."""
    sizes, dtype = description.get("sizes"), description.get("dtype")
    if not isinstance(sizes, list) or not all(type(size) is int for size in sizes):
        raise CheckpointError(f"{path}: expected the settings of a network, got sizes {str(sizes)[:80]}")
    parts = {"": sizes}
    if description["format"] == BIDIRECTIONAL_FORMAT:
        parts = {"recognition.": sizes, "generation.": sizes[::-1]}
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, widths in parts.items():
        for l in range(1, len(widths)):
            shapes |= {f"{prefix}weights.{l}": (widths[l - 1], widths[l]), f"{prefix}biases.{l}": (widths[l],)}
    if set(tensors) != set(shapes):
        odd = min(set(tensors) ^ set(shapes))
        raise CheckpointError(f"{path}: expected the tensors of {len(sizes)} layers, got {odd} missing or too many")
    for key, shape in shapes.items():
        found = tensors[key]
        if found.shape != shape or found.dtype.name != dtype:
            raise CheckpointError(
                f"{path}: expected {key} as {dtype} of shape {shape}, got {found.dtype} of shape {found.shape}"
            )
        if not np.isfinite(found).all():
            raise CheckpointError(f"{path}: expected {key} to be finite, got NaN or infinity in it")
    if description.get("sha256") != _digest(tensors):
        raise CheckpointError(f"{path}: expected the tensors that were saved, got changed ones: their digest differs")


def _digest(tensors: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode() + b"\0" + tensors[key].tobytes())
    return digest.hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the description and the tensors of a safetensors file that fastpc wrote."""
    from safetensors import SafetensorError, safe_open

    if path.is_dir():
        raise CheckpointError(f"{path}: expected a model file, got a folder; name the file in it")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        description = json.loads(metadata.get("fastpc", "null"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: expected a model file, found none; check the path") from error
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{path}: expected a whole safetensors file, got a damaged one ({error})") from error
    if not isinstance(description, dict):
        raise CheckpointError(f"{path}: expected a file that fastpc wrote, got another program's")
    return description, tensors


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, flush it to disk and rename it there: whole, or not at all.

    Raises
    ------
    CheckpointError
        If it cannot be written.
    """
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
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
        raise CheckpointError(
            f"{path}: expected a place to write {len(content)} bytes, got {error}; "
            "free some space or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
