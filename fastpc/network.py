"""PCNetwork: layers, their parameters, and what can be asked of them while the weights stand still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc import initializers
from fastpc.checks import require_choice, require_whole
from fastpc.errors import ConfigurationError, DataError
from fastpc.parameters import LayerArrays

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.engine.layout import Layout
    from fastpc.rules import TileRule

ACTIVATIONS = ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "hard_tanh")
LOSSES = ("squared_error", "cross_entropy")
DTYPES = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Relaxation:
    """What a relaxation leaves.

    Attributes
    ----------
    states : list of ndarray
        x_1 … x_{L-1}, each (B, n_l).
    errors : list of ndarray
        e_1 … e_L, each (B, n_l), as the weights learn from them; for cross-entropy e_L = y - softmax(mu_L).
    energy : ndarray of float64, shape (steps + 1, L)
        Each layer's energy after 0, 1, … steps, averaged over the samples.
    steps : int
        Steps that any sample took.
    """

    states: list[NDArray[Any]]
    errors: list[NDArray[Any]]
    energy: NDArray[np.float64]
    steps: int


# What the parameters were made for.
_SETTINGS = frozenset({"sizes", "activations", "loss", "dtype", "seed", "initializer"})


class PCNetwork:
    """A fully connected predictive coding network.

    Parameters
    ----------
    sizes : sequence of int
        n_0 … n_L: the input's width, the hidden layers', the output's.
    activation : str or sequence of str
        f of the hidden layers: one name, or one a hidden layer. The input enters as it is.
    loss : "squared_error" or "cross_entropy"
        The output layer's part of the energy.
    dtype : "float32" or "float64"
    seed : int
        Of the initial weights.
    initializer : str
        One of `fastpc.initializers.NAMES`; biases begin at 0. Orthogonal weights learned best on a validation split
        of MNIST.

    Raises
    ------
    ConfigurationError
        If a setting is unknown or out of bounds.

    Notes
    -----
    F = Σ_{l<L} ½ π_l ‖x_l − μ_l‖² + loss(y, μ_L), with μ_l = f(x_{l−1}) W_l + b_l. With the output free, the
    feed-forward pass has zero energy: predicting is one forward pass.
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
        self.sizes = _checked_sizes(sizes)
        self.activations = _checked_activations(activation, len(self.sizes) - 2)
        require_choice("loss", loss, LOSSES)
        self.loss = loss
        self.dtype = np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype
        require_choice("dtype", self.dtype, DTYPES)
        require_whole("PCNetwork", "seed", seed, at_least=0, at_most=2**63 - 1)
        require_choice("initializer", initializer, initializers.NAMES)
        self.seed = int(seed)
        self.initializer = initializer
        self._parameters: NDArray[Any] = self.layout.empty_parameters()
        generator = np.random.default_rng(self.seed)
        for weights in self.weights:
            weights[:] = initializers.initialize(initializer, weights.shape[0], weights.shape[1], generator)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS and name in self.__dict__:
            raise AttributeError(f"expected {name} to stay as it was made, got another; make a new PCNetwork for that")
        super().__setattr__(name, value)

    @property
    def layout(self) -> Layout:
        """Where the parameters lie in the flat vector; a fresh table, for whoever fills it further."""
        from fastpc.engine.layout import Layout

        codes = [0, *(ACTIVATIONS.index(name) for name in self.activations)]
        return Layout(self.sizes, codes, np.dtype(self.dtype))

    @property
    def parameters(self) -> NDArray[Any]:
        """All weights and biases, one flat vector (n_parameters,); change it in place."""
        return self._parameters

    @property
    def n_layers(self) -> int:
        """L, the number of weight matrices."""
        return len(self.sizes) - 1

    @property
    def n_parameters(self) -> int:
        """Weights and biases together."""
        return len(self.parameters)

    @property
    def weights(self) -> LayerArrays:
        """W_1 … W_L, views of shape (n_{l-1}, n_l); assigning copies."""
        return LayerArrays("weights", self.layout.weights(self.parameters))

    @weights.setter
    def weights(self, values: Sequence[ArrayLike]) -> None:
        self.weights.assign(values)

    @property
    def biases(self) -> LayerArrays:
        """b_1 … b_L, views of shape (n_l,); assigning copies."""
        return LayerArrays("biases", self.layout.biases(self.parameters))

    @biases.setter
    def biases(self, values: Sequence[ArrayLike]) -> None:
        self.biases.assign(values)

    def forward(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[Any]:
        """Return μ_L of the feed-forward pass, shape (N, n_L).

        Parameters
        ----------
        x : array-like or sparse matrix (N, n_0), or Dataset
            Anything `fastpc.data.as_inputs` takes. A Dataset brings its scale; its targets are not looked at.
        scale : float, optional
            Multiplies the inputs; 1/255 by default for uint8, else 1.
        threads : int, optional

        Raises
        ------
        DataError
            If the data do not fit.
        """
        from fastpc.inference import forward

        return forward(self, x, scale, threads)

    def predict(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[np.int64]:
        """Return each sample's class, the index of its largest output, shape (N,); see `forward`."""
        return np.asarray(self.forward(x, scale=scale, threads=threads).argmax(axis=1), np.int64)

    def predict_proba(self, x: object, *, scale: float | None = None, threads: int | None = None) -> NDArray[Any]:
        """Return softmax(μ_L), shape (N, n_L); see `forward`.

        With the squared error these rank the classes, but are no calibrated probabilities.
        """
        outputs = self.forward(x, scale=scale, threads=threads)
        exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def relax(
        self, x: object, y: object = None, rule: TileRule | None = None, *, threads: int | None = None
    ) -> Relaxation:
        """Clamp inputs and targets, relax the hidden states as training would, and return what is left.

        Parameters
        ----------
        x, y : anything `fastpc.data.as_dataset` takes
        rule : TileRule, optional
            PC() by default, or any other that settles samples while the weights stand still.
        threads : int, optional

        Raises
        ------
        DataError, ConfigurationError
            If data or rule do not fit the network.
        """
        from fastpc.inference import relax

        return relax(self, x, y, rule, threads)

    def energy(
        self, x: object, y: object = None, rule: TileRule | None = None, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Return each layer's energy, a mean over the samples, shape (L,).

        Of the feed-forward states without a `rule` (all but the output's are 0 then), else of the relaxed ones.
        """
        from fastpc.rules import PC

        relaxed = self.relax(x, y, rule if rule is not None else PC(steps=0), threads=threads)
        return np.asarray(relaxed.energy[-1])

    def gradient(
        self, x: object, y: object = None, rule: TileRule | None = None, *, threads: int | None = None
    ) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Return ∂F/∂W_l and ∂F/∂b_l after a relaxation: batch means, with the states held where it left them.

        Of a rule with a nudge, its estimate from both sides if that is centred; see `Nudge`.
        """
        from fastpc.inference import gradient

        return gradient(self, x, y, rule, threads)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to one safetensors file, whole or not at all; the same bytes for the same network."""
        from fastpc.checkpoint import save_network

        save_network(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> PCNetwork:
        """Return the network that `save` wrote.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or something else's.
        """
        from fastpc.checkpoint import load_network

        return load_network(path)

    def check_inputs(self, n_features: int) -> None:
        """Raise a DataError unless the first layer takes inputs of this width."""
        if n_features != self.sizes[0]:
            raise DataError(
                f"expected inputs with {self.sizes[0]} features, as the network's first layer has, "
                f"got {n_features}; change the data or the sizes"
            )

    def check_targets(self, data: Dataset) -> None:
        """Raise a DataError unless `data` fit the first and the last layer."""
        self.check_inputs(data.n_features)
        n = self.sizes[-1]
        if data.n_classes is None and data.n_outputs != n:
            raise DataError(
                f"expected targets with {n} columns, as the network's last layer has, got {data.n_outputs}; "
                "change the data or the sizes"
            )
        if self.loss == "cross_entropy" and data.n_classes is None:
            targets = data.targets * data.target_scale
            if targets.min() < 0 or not np.allclose(targets.sum(axis=1), 1, atol=1e-3):
                raise DataError(
                    "expected targets of cross-entropy to be probabilities, not negative and summing to 1, got others; "
                    'pass labels, or use loss="squared_error"'
                )
        if data.n_outputs > n:
            raise DataError(
                f"expected at most {n} classes, as the network's last layer has, got {data.n_outputs}; "
                "change the data or the sizes"
            )

    def __repr__(self) -> str:
        names = set(self.activations) or {"none"}
        activation = names.pop() if len(names) == 1 else ",".join(self.activations)
        return f"PCNetwork({'-'.join(map(str, self.sizes))}, {activation}, {self.loss}, {self.dtype})"


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    if isinstance(sizes, str | bytes) or not hasattr(sizes, "__len__") or len(sizes) < 2:
        raise ConfigurationError(
            f"expected at least two layer sizes, input and output, got {sizes!r}; pass for example (784, 256, 10)"
        )
    for size in sizes:
        require_whole("PCNetwork", "each layer size", size, at_least=1)
    return tuple(int(size) for size in sizes)


def _checked_activations(activation: str | Sequence[str], n_hidden: int) -> tuple[str, ...]:
    names = (activation,) * n_hidden if isinstance(activation, str) else tuple(activation)
    for name in (activation,) if isinstance(activation, str) else names:
        require_choice("activation", name, ACTIVATIONS)
    if len(names) != n_hidden:
        raise ConfigurationError(
            f"expected {n_hidden} activations, one for each hidden layer, got {len(names)}; pass one name or as many"
        )
    return names
