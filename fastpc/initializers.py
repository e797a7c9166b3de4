"""Initial weights, drawn in float64 from a generator that the caller seeds."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastpc.blas import blas_threads
from fastpc.checks import require_choice
from fastpc.errors import ConfigurationError

Weights = NDArray[np.float64]
Initializer = Callable[[int, int, np.random.Generator], Weights]


def _normal(deviation: float, n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return deviation * rng.standard_normal((n_in, n_out))


def _uniform(deviation: float, n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    bound = math.sqrt(3.0) * deviation  # a uniform draw on (-b, b) deviates by b / √3
    return rng.uniform(-bound, bound, (n_in, n_out))


def _he(n_in: int) -> float:
    """He et al. 2015: keeps the scale of activities through relu layers."""
    return math.sqrt(2.0 / n_in)


def _glorot(n_in: int, n_out: int) -> float:
    """Glorot & Bengio 2010: a compromise between the scales of activities and of errors."""
    return math.sqrt(2.0 / (n_in + n_out))


def _he_normal(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _normal(_he(n_in), n_in, n_out, rng)


def _he_uniform(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _uniform(_he(n_in), n_in, n_out, rng)


def _glorot_normal(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _normal(_glorot(n_in, n_out), n_in, n_out, rng)


def _glorot_uniform(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _uniform(_glorot(n_in, n_out), n_in, n_out, rng)


def _orthogonal(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    """Saxe et al. 2014: every singular value is 1."""
    tall = rng.standard_normal((max(n_in, n_out), min(n_in, n_out)))
    # On one thread: the last bits of a factorisation may depend on how BLAS shares it out.
    with blas_threads(1):
        q, r = np.linalg.qr(tall)
    # The signs of R's diagonal are LAPACK's choice; without them Q is uniformly distributed.
    q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(q if n_in >= n_out else q.T)


def _notebook(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _normal(0.01, n_in, n_out, rng)


def _standard_normal(n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    return _normal(1.0, n_in, n_out, rng)


_INITIALIZERS: dict[str, Initializer] = {
    "he_normal": _he_normal,
    "he_uniform": _he_uniform,
    "glorot_normal": _glorot_normal,
    "glorot_uniform": _glorot_uniform,
    "orthogonal": _orthogonal,
    "standard_normal": _standard_normal,
    "notebook": _notebook,
}
NAMES = tuple(_INITIALIZERS)


def initialize(name: str, n_in: int, n_out: int, rng: np.random.Generator) -> Weights:
    """Draw the weights of one layer.

    Parameters
    ----------
    name : str
        One of `NAMES`: He or Glorot, normal or uniform; orthogonal (orthonormal rows or columns,
        whichever are fewer); standard normal, for networks that scale their products; or the
        notebook's, normal with a deviation of 0.01.
    n_in, n_out : int
        Sizes of the layers below and above, at least 1.
    rng : numpy.random.Generator
        Where the numbers come from: the same state gives the same weights.

    Returns
    -------
    ndarray of float64, shape (n_in, n_out), C-contiguous

    Raises
    ------
    ConfigurationError
        If `name` is unknown or a size is below 1.
    """
    require_choice("initializer", name, NAMES)
    if n_in < 1 or n_out < 1:
        raise ConfigurationError(f"expected layer sizes of at least 1, got ({n_in}, {n_out}); pass positive sizes.")
    return _INITIALIZERS[name](n_in, n_out, rng)
