"""What a network is made of: layers, activations, skip connections and scales, checked before anything is made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from fastpc.checks import require_choice, require_whole
from fastpc.errors import ConfigurationError

ACTIVATIONS = ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "hard_tanh")
SCALINGS = ("mupc",)


def checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return n_0 … n_L.

    Raises
    ------
    ConfigurationError
        If there are not at least two, all whole and above 0.
    """
    if isinstance(sizes, str | bytes) or not hasattr(sizes, "__len__") or len(sizes) < 2:
        raise ConfigurationError(
            f"expected at least two layer sizes, input and output, got {sizes!r}; pass for example (784, 256, 10)"
        )
    for size in sizes:
        require_whole("PCNetwork", "each layer size", size, at_least=1)
    return tuple(int(size) for size in sizes)


def checked_activations(activation: str | Sequence[str], n_hidden: int) -> tuple[str, ...]:
    """Return the name of every hidden layer's f.

    Raises
    ------
    ConfigurationError
        If one is unknown, or there are not as many.
    """
    names = (activation,) * n_hidden if isinstance(activation, str) else tuple(activation)
    for name in (activation,) if isinstance(activation, str) else names:
        require_choice("activation", name, ACTIVATIONS)
    if len(names) != n_hidden:
        raise ConfigurationError(
            f"expected {n_hidden} activations, one for each hidden layer, got {len(names)}; pass one name or as many"
        )
    return names


def require_residual(sizes: tuple[int, ...], residual: object, scaling: object) -> None:
    """Raise unless skip connections, and scales, fit a network of these sizes.

    Raises
    ------
    ConfigurationError
        If they do not.
    """
    if not isinstance(residual, bool):
        raise ConfigurationError(f"expected residual to be True or False, got {residual!r}; pass one of these")
    if scaling is not None:
        require_choice("scaling", scaling, SCALINGS)
    if residual and (len(sizes) < 4 or len(set(sizes[1:-1])) > 1):
        raise ConfigurationError(
            "expected at least two hidden layers, all of one size, with skip connections between them, "
            f"got sizes {describe_sizes(sizes)}; change these, or leave residual out"
        )
    if scaling is not None and not residual:
        raise ConfigurationError(
            f"expected scaling={scaling!r} with residual=True, whose sums over layers it keeps in bounds, "
            "got residual=False; pass both or neither"
        )


def skips_of(n_layers: int, residual: bool) -> tuple[bool, ...]:
    """Return whether x_{l-1} is a part of μ_l, for l = 1 … L: not at the first and the last layer."""
    return tuple(residual and 1 < l < n_layers for l in range(1, n_layers + 1))


def scales_of(sizes: tuple[int, ...], scaling: str | None) -> tuple[float, ...]:
    """Return a_1 … a_L, by which each layer's products are multiplied.

    Notes
    -----
    "mupc", for weights drawn from N(0, 1), hidden layers N wide and S = L - 2 skips::

        a_1 = n_0^(-1/2),  a_l = (N S)^(-1/2) for 1 < l < L,  a_L = 1 / N

    The sum over the layers with skips then keeps its size however many they are, and the same rates serve all depths.
    Source: Innocenti, Achour & Buckley 2025, where all L layers are counted: with relu the output's variance then
    grows by an eighth from 8 to 128 hidden layers.
    """
    n_layers = len(sizes) - 1
    if scaling is None:
        return (1.0,) * n_layers
    width, skips = sizes[1], n_layers - 2
    return (sizes[0] ** -0.5, *((width * skips) ** -0.5,) * skips, 1 / width)


def describe_sizes(sizes: Sequence[int]) -> str:
    """Return sizes as people write them: 784-256-256-10, or 784-30x128-10 for many layers of one size."""
    parts = []
    for size, run in groupby(sizes):
        n = len(list(run))
        parts += [str(size)] * n if n < 5 else [f"{n}x{size}"]
    return "-".join(parts)
