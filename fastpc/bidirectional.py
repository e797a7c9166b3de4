"""BidirectionalNetwork: one set of states between two sets of weights, to recognise with and to generate with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc.errors import DataError
from fastpc.network import PCNetwork
from fastpc.parameters import sha256_of
from fastpc.relaxation import Relaxation
from fastpc.saving import Saving
from fastpc.structure import ACTIVATIONS

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.engine.bidirectional_layout import BidirectionalLayout
    from fastpc.rules import BidirectionalPC


class BidirectionalNetwork(Saving):
    """A network whose layers are predicted from below and from above at once.

    Parameters
    ----------
    sizes : sequence of int
        n_0 … n_L, bottom-up: the image's width, the hidden layers', the label's.
    activation : str or sequence of str
        f of the hidden layers, for both directions: one name, or one a hidden layer. Image and label enter as they are.
    loss : "squared_error" or "cross_entropy"
        The label's part of the energy; the image's is always the squared error.
    dtype : "float32" or "float64"
    seed : int
        Of the initial weights.
    initializer : str
        One of `fastpc.initializers.NAMES`; biases begin at 0.

    Attributes
    ----------
    recognition, generation : PCNetwork
        The two directions: n_0 … n_L with weights W_l, and n_L … n_0 with weights V_l. Their parameters are views of
        this network's, so each can be used like any network, and to change one changes both.

    Raises
    ------
    ConfigurationError
        If a setting is unknown or out of bounds.

    Notes
    -----
    F = α_f (Σ_{0<l<L} ½ ‖x_l − μ_l‖² + loss(x_L, μ_L)) + α_b Σ_{l<L} ½ ‖x_l − ν_l‖², with μ_l = f(x_{l−1}) W_l + b_l
    and ν_l = f(x_{l+1}) V_{l+1} + c_l. Oliviers et al. 2025.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Sequence[str] = "relu",
        loss: str = "squared_error",
        dtype: str = "float32",
        seed: int = 0,
        initializer: str = "orthogonal",
    ) -> None:
        self.recognition = PCNetwork(sizes, activation, loss, dtype, seed, initializer)
        reverse = (self.sizes[::-1], self.activations[::-1])
        self.generation = PCNetwork(*reverse, "squared_error", dtype, seed, initializer)
        self._parameters: NDArray[Any]
        self._join()

    def _join(self) -> None:
        """Move both directions' parameters into one vector, of which theirs are views from then on."""
        self._parameters = self.layout.empty_parameters()
        start = 0
        for network in (self.generation, self.recognition):
            view = self._parameters[start : start + network.n_parameters]
            view[:] = network.parameters
            network._parameters = view
            start += network.n_parameters

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copied or unpickled, the directions' parameters are no views any more.
        self.__dict__.update(state)
        self._join()

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_0 … n_L, bottom-up."""
        return self.recognition.sizes

    @property
    def activations(self) -> tuple[str, ...]:
        """The hidden layers' f, bottom-up."""
        return self.recognition.activations

    @property
    def loss(self) -> str:
        """The label's part of the energy."""
        return self.recognition.loss

    @property
    def dtype(self) -> str:
        """Of parameters and states."""
        return self.recognition.dtype

    @property
    def seed(self) -> int:
        """Of the initial weights."""
        return self.recognition.seed

    @property
    def initializer(self) -> str:
        """What the weights were drawn by."""
        return self.recognition.initializer

    @property
    def n_layers(self) -> int:
        """L, the weight matrices of each direction."""
        return self.recognition.n_layers

    @property
    def n_parameters(self) -> int:
        """Weights and biases of both directions together."""
        return len(self.parameters)

    @property
    def parameters(self) -> NDArray[Any]:
        """All weights and biases, one flat vector, top-down before bottom-up; change it in place."""
        return self._parameters

    @property
    def layout(self) -> BidirectionalLayout:
        """Where both directions' numbers lie; a fresh table, for whoever fills it further."""
        from fastpc.engine.bidirectional_layout import BidirectionalLayout

        codes = [ACTIVATIONS.index(name) for name in self.activations]
        return BidirectionalLayout(self.sizes, codes, np.dtype(self.dtype))

    def parameters_sha256(self) -> str:
        """Return the SHA-256 of all parameters, bottom-up before top-down; see `PCNetwork.parameters_sha256`."""
        parts = (self.recognition, self.generation)
        pairs = (pair for part in parts for pair in zip(part.weights, part.biases, strict=True))
        return sha256_of(array for pair in pairs for array in pair)

    def forward(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[Any]:
        """Return μ_L of the bottom-up pass, shape (N, n_L); see `PCNetwork.forward`."""
        return self.recognition.forward(x, scale=scale, threads=threads)

    def predict(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[np.int64]:
        """Return each image's class by the bottom-up pass, shape (N,); see `PCNetwork.forward`."""
        return self.recognition.predict(x, scale=scale, threads=threads)

    def predict_proba(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[Any]:
        """Return softmax(μ_L), shape (N, n_L); see `PCNetwork.predict_proba`."""
        return self.recognition.predict_proba(x, scale=scale, threads=threads)

    def generate(self, y: ArrayLike, *, threads: int | None = None) -> NDArray[Any]:
        """Return images by the top-down pass, shape (N, n_0), in the scale of the training data.

        Parameters
        ----------
        y : array-like
            Classes (N,), whole numbers; or what stands at the label's layer, (N, n_L).

        Raises
        ------
        DataError
            If a class is not one of n_L, or the rows are not n_L wide.
        """
        labels = np.asarray(y)
        if labels.ndim == 1:
            n = self.sizes[-1]
            if labels.dtype.kind not in "iu" or np.any((labels < 0) | (labels >= n)):
                raise DataError(
                    f"expected classes from 0 to {n - 1} to generate images of, got {str(labels)[:40]}; pass whole "
                    "numbers, or rows of the label layer's width"
                )
            labels = np.eye(n, dtype=self.dtype)[labels]
        return self.generation.forward(labels, scale=1.0, threads=threads)

    def relax(
        self, x: object, y: object = None, rule: BidirectionalPC | None = None, *, threads: int | None = None
    ) -> tuple[Relaxation, Relaxation]:
        """Clamp images and labels, relax the hidden states as training would, and return what is left.

        Parameters
        ----------
        x, y : anything `fastpc.data.as_dataset` takes
        rule : BidirectionalPC, optional
            `BidirectionalPC()` by default.
        threads : int, optional

        Returns
        -------
        tuple of two Relaxation
            The same states seen bottom-up, with x_l − μ_l, and top-down, with x_l − ν_l, each in its network's order
            of layers; energies are already multiplied by the direction's α.

        Raises
        ------
        DataError, ConfigurationError
            If data or rule do not fit the network.
        """
        from fastpc.bidirectional_session import relax

        return relax(self, x, y, rule, threads)

    def energy(
        self, x: object, y: object = None, rule: BidirectionalPC | None = None, *, threads: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each layer's energy after a relaxation, bottom-up and top-down, means over the samples, (L,) each.

        Of the feed-forward states without a `rule`.
        """
        from fastpc.rules import BidirectionalPC

        up, down = self.relax(x, y, rule if rule is not None else BidirectionalPC(steps=0), threads=threads)
        return np.asarray(up.energy[-1]), np.asarray(down.energy[-1])

    def gradient(
        self, x: object, y: object = None, rule: BidirectionalPC | None = None, *, threads: int | None = None
    ) -> NDArray[Any]:
        """Return ∂F/∂(parameters) after a relaxation, one vector laid out as `parameters` is.

        A batch mean, with the states held where the relaxation left them.
        """
        from fastpc.bidirectional_session import gradient

        return gradient(self, x, y, rule, threads)

    def check_targets(self, data: Dataset) -> None:
        """Raise a DataError unless `data` are images and labels of the network's widths."""
        self.recognition.check_targets(data)

    def __repr__(self) -> str:
        return repr(self.recognition).replace("PCNetwork", "BidirectionalNetwork")
