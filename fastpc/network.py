"""PCNetwork: layers, their parameters, and what can be asked of them while the weights stand still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastpc import initializers
from fastpc.checks import require_choice, require_whole
from fastpc.clamp import Clamp
from fastpc.conversion import Conversion
from fastpc.errors import DataError
from fastpc.generation import Generation
from fastpc.parameters import LayerArrays, sha256_of
from fastpc.relaxation import Relaxation
from fastpc.saving import Saving
from fastpc.structure import (
    ACTIVATIONS,
    checked_activations,
    checked_sizes,
    describe_sizes,
    require_residual,
    scales_of,
    skips_of,
)

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.engine.layout import Layout
    from fastpc.rules import TileRule

LOSSES = ("squared_error", "cross_entropy")
DTYPES = ("float32", "float64")


# What the parameters were made for.
_SETTINGS = frozenset({"sizes", "activations", "loss", "dtype", "seed", "initializer", "residual", "scaling"})


class PCNetwork(Generation, Conversion, Saving):
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
    initializer : str, optional
        One of `fastpc.initializers.NAMES`; biases begin at 0. By default "orthogonal", which learned best on a
        validation split of MNIST; with a scaling only "standard_normal", which it is made for.
    residual : bool
        Skip connections over the layers between the first and the last: x_{l−1} is added to μ_l. Hidden layers are
        then all of one size.
    scaling : "mupc" or None
        Of a residual network: multiplies each layer's product by a_l, so that one learning rate and one state step
        serve all depths; see `fastpc.structure.scales_of`.

    Raises
    ------
    ConfigurationError
        If a setting is unknown or out of bounds.

    Notes
    -----
    F = Σ_{l<L} ½ π_l ‖x_l − μ_l‖² + loss(y, μ_L), with μ_l = f(x_{l−1}) W_l + b_l, or in residual networks
    μ_l = x_{l−1} + a_l (f(x_{l−1}) W_l + b_l). With the output free, the feed-forward pass has zero energy: predicting
    is one forward pass. A scale takes the bias with it: it is a row of the weights, of a unit that is always 1, and
    learns at their pace (the papers' networks have none).
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Sequence[str] = "relu",
        loss: str = "squared_error",
        dtype: str = "float32",
        seed: int = 0,
        initializer: str | None = None,
        residual: bool = False,
        scaling: str | None = None,
    ) -> None:
        self.sizes = checked_sizes(sizes)
        self.activations = checked_activations(activation, len(self.sizes) - 2)
        require_choice("loss", loss, LOSSES)
        self.loss = loss
        self.dtype = np.dtype(dtype).name if isinstance(dtype, type | np.dtype) else dtype
        require_choice("dtype", self.dtype, DTYPES)
        require_whole("PCNetwork", "seed", seed, at_least=0, at_most=2**63 - 1)
        require_residual(self.sizes, residual, scaling)
        fitting = initializers.NAMES if scaling is None else ("standard_normal",)
        self.initializer = ("orthogonal" if scaling is None else fitting[0]) if initializer is None else initializer
        require_choice("initializer" if scaling is None else f"initializer with {scaling}", self.initializer, fitting)
        self.seed = int(seed)
        self.residual, self.scaling = residual, scaling
        self._parameters: NDArray[Any] = self.layout.empty_parameters()
        generator = np.random.default_rng(self.seed)
        for weights in self.weights:
            weights[:] = initializers.initialize(self.initializer, weights.shape[0], weights.shape[1], generator)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS and name in self.__dict__:
            raise AttributeError(f"expected {name} to stay as it was made, got another; make a new PCNetwork for that")
        super().__setattr__(name, value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copied or unpickled, the vector has no slack behind it any more, which kernels count on.
        self.__dict__.update(state)
        self._parameters = self.layout.empty_parameters()
        self._parameters[:] = state["_parameters"]

    @property
    def layout(self) -> Layout:
        """Where the parameters lie in the flat vector; a fresh table, for whoever fills it further."""
        from fastpc.engine.layout import Layout

        codes = [0, *(ACTIVATIONS.index(name) for name in self.activations)]
        skips, scales = skips_of(self.n_layers, self.residual), scales_of(self.sizes, self.scaling)
        return Layout(self.sizes, codes, np.dtype(self.dtype), scales, skips)

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

    def parameters_sha256(self) -> str:
        """Return the SHA-256 of W_1, b_1, W_2, … in C order, little-endian: equal for the same bits, and only then."""
        return sha256_of(array for pair in zip(self.weights, self.biases, strict=True) for array in pair)

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
        return softmax(self.forward(x, scale=scale, threads=threads))

    def relax(
        self,
        x: object,
        y: object = None,
        rule: TileRule | None = None,
        *,
        clamp: Clamp | str = Clamp.BOTH,
        prior: float = 0.0,
        threads: int | None = None,
    ) -> Relaxation:
        """Clamp inputs, targets or both, relax all other states as training would, and return what is left.

        Parameters
        ----------
        x, y : anything `fastpc.data.as_dataset` takes
            With clamp="output", x is where layer 0 starts, and None starts it at 0; with clamp="input", y is None.
        rule : TileRule, optional
            PC() by default, or any other that settles samples while the weights stand still.
        clamp : Clamp or str
            Which ends hold still.
        prior : float
            pi_0 of a free layer 0.
        threads : int, optional

        Raises
        ------
        DataError, ConfigurationError
            If data or rule do not fit the network.
        """
        from fastpc.inference import relax

        return relax(self, x, y, rule, clamp, prior, threads)

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
        kind = f"residual, {self.scaling}, " if self.scaling else "residual, " if self.residual else ""
        return f"PCNetwork({describe_sizes(self.sizes)}, {kind}{activation}, {self.loss}, {self.dtype})"


def softmax(outputs: NDArray[Any]) -> NDArray[Any]:
    """Return each row's softmax, (N, n), of any finite numbers."""
    from scipy import special

    with np.errstate(over="ignore"):  # of outputs so far apart that the smaller one's probability is 0
        return np.asarray(special.softmax(outputs, axis=1))
