"""Networks in files: safetensors, written whole or not at all, read strictly."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastpc.bidirectional import BidirectionalNetwork
from fastpc.errors import ConfigurationError
from fastpc.network import PCNetwork
from fastpc.tensor_file import read_tensors, refusal, write_tensors

Network = TypeVar("Network", PCNetwork, BidirectionalNetwork)
FORMAT, BIDIRECTIONAL_FORMAT = "fastpc network 1", "fastpc bidirectional network 1"
_REMEDY = "save the network anew"


def save_network(network: PCNetwork | BidirectionalNetwork, path: str | PathLike[str]) -> None:
    """Write a network's settings and parameters to `path`.

    Raises
    ------
    CheckpointError
        If the file cannot be written; what stood there before is then untouched.
    """
    settings = {
        "format": _format(type(network)),
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
            tensors[f"{prefix}weights.{l}"] = weights
            tensors[f"{prefix}biases.{l}"] = biases
    write_tensors(Path(path), settings, tensors)


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
    """Return which kind of network stands in a file.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or something else's.
    """
    description, _ = read_tensors(Path(path), FORMAT, BIDIRECTIONAL_FORMAT)
    return BidirectionalNetwork if description["format"] == BIDIRECTIONAL_FORMAT else PCNetwork


def load_network(path: str | PathLike[str], kind: type[Network]) -> Network:
    """Return the network of this kind that `save_network` wrote to `path`.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or something else's.
    """
    description, tensors = read_tensors(Path(path), _format(kind))
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
        raise refusal(path, "settings to be", "those of a network", error, _REMEDY) from error
    for prefix, part in parts_of(network).items():
        for name, arrays in (("weights", part.weights), ("biases", part.biases)):
            for l, array in enumerate(arrays, 1):
                array[:] = tensors[f"{prefix}{name}.{l}"]
    return network


def _check_tensors(path: str | PathLike[str], description: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> None:
    """Raise unless the tensors are those of the sizes described: before a network of any size is made."""
    sizes, dtype = description.get("sizes"), description.get("dtype")
    if not isinstance(sizes, list) or not all(type(size) is int for size in sizes):
        raise refusal(path, "sizes to be", "a list of whole numbers", sizes, _REMEDY)
    parts = {"": sizes}
    if description["format"] == BIDIRECTIONAL_FORMAT:
        parts = {"recognition.": sizes, "generation.": sizes[::-1]}
    shapes: dict[str, tuple[int, ...]] = {}
    for prefix, widths in parts.items():
        for l in range(1, len(widths)):
            shapes |= {f"{prefix}weights.{l}": (widths[l - 1], widths[l]), f"{prefix}biases.{l}": (widths[l],)}
    for key in sorted({*tensors, *shapes}):
        expected = f"as {dtype} of shape {shapes[key]}" if key in shapes else "to be no part"
        found = f"{tensors[key].dtype} of shape {tensors[key].shape}" if key in tensors else "none"
        if f"as {found}" != expected:
            raise refusal(path, f"tensor {key}", expected, found, _REMEDY)
        if not np.isfinite(tensors[key]).all():
            raise refusal(path, f"tensor {key} to be", "finite", "NaN or infinity in it", _REMEDY)
