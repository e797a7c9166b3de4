"""What can be asked of a network that generates: of one with labels or latents at layer 0 and images at layer L."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.checks import require_whole
from fastpc.errors import DataError

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.rules import PC


class Generation:
    """The methods of a `PCNetwork` that go by the other direction: outputs clamped, layer 0 free."""

    def infer(
        self,
        outputs: object,
        rule: PC | None = None,
        *,
        prior: float = 0.0,
        scale: float | None = None,
        threads: int | None = None,
    ) -> NDArray[Any]:
        """Return the x_0 that explain `outputs`, shape (N, n_0): layer L clamped, all others relaxed.

        Parameters
        ----------
        outputs : array-like (N, n_L) or Dataset of images
            What to clamp layer L to. Of a Dataset, the inputs; its targets are not looked at.
        rule : PC, optional
            How to relax; `fastpc.rules.RECOGNITION` by default.
        prior : float
            pi_0, of a Gaussian around 0 that x_0 is drawn from; with 0 nothing is known beforehand.
        scale : float, optional
            Multiplies the outputs; 1/255 by default for uint8, else 1.
        threads : int, optional

        Raises
        ------
        DataError, ConfigurationError
            If outputs or rule do not fit the network.
        """
        from fastpc.inference import infer

        return infer(cast("PCNetwork", self), outputs, rule, prior, scale, threads)

    def recognise(self, images: object, rule: PC | None = None, *, threads: int | None = None) -> NDArray[np.int64]:
        """Return each image's class, shape (N,): the largest of the label's states, with the image alone clamped."""
        return np.asarray(self.infer(images, rule, threads=threads).argmax(axis=1), np.int64)

    def generate(self, labels: ArrayLike, *, threads: int | None = None) -> NDArray[Any]:
        """Return what the network makes of labels: the feed-forward pass from one-hot rows, shape (N, n_L).

        Parameters
        ----------
        labels : array-like of int, shape (N,)
            Classes from 0 to n_0 - 1.
        threads : int, optional

        Raises
        ------
        DataError
            If they are no such classes.
        """
        network = cast("PCNetwork", self)
        classes, n = np.asarray(labels), network.sizes[0]
        valid = classes.ndim == 1 and classes.size > 0 and classes.dtype.kind in "iu"
        if not valid or classes.min() < 0 or classes.max() >= n:
            raise DataError(
                f"expected labels from 0 to {n - 1} in one dimension, got {str(labels)[:60]}; pass for example [0, 1]"
            )
        return network.forward(np.eye(n, dtype=network.dtype)[classes], threads=threads)

    def reconstruct(
        self, images: object, rule: PC | None = None, *, prior: float = 1.0, threads: int | None = None
    ) -> NDArray[Any]:
        """Return images again from their latents alone, shape (N, n_L): `infer` them, and run forward from there."""
        network = cast("PCNetwork", self)
        return network.forward(self.infer(images, rule, prior=prior, threads=threads), threads=threads)

    def sample(self, n: int, seed: int = 0, *, threads: int | None = None) -> NDArray[Any]:
        """Return `n` images, (n, n_L), of latents drawn from the unit Gaussian prior."""
        require_whole("PCNetwork.sample", "n", n, at_least=1)
        require_whole("PCNetwork.sample", "seed", seed, at_least=0, at_most=2**63 - 1)
        network = cast("PCNetwork", self)
        latents = np.random.default_rng(seed).standard_normal((n, network.sizes[0]), np.float64)
        return network.forward(latents.astype(network.dtype), threads=threads)
