"""A network as a file, of whichever kind it is."""

from __future__ import annotations

from os import PathLike
from typing import Any, Self


class Saving:
    """The methods of a network that go to a file and back."""

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to one safetensors file, whole or not at all; the same bytes for the same network."""
        from fastpc.checkpoint import save_network

        network: Any = self
        save_network(network, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the network that `save` wrote.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or something else's.
        """
        from fastpc.checkpoint import load_network

        kind: Any = cls
        network: Self = load_network(path, kind)
        return network
