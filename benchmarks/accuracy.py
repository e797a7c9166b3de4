"""How far the compiled activations and their slopes are from the truth, over every exponent of both number types.

References are taken in extended precision, where the machine has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from fastpc.engine import activations

Array = NDArray[Any]
DTYPES = (np.float32, np.float64)
MANTISSAS, GRID = 256, 400_009


@numba.njit(nogil=True, fastmath={"contract"}, error_model="numpy")
def _activate(code: int, tile: Array, count: int) -> None:  # the tile's quarters: states, f, stored slopes, products
    activations.activate(code, tile, 0, count, 2 * count, count)
    activations.multiply_slopes(code, tile, 3 * count, 0, count, 2 * count, count)


def compiled(name: str, x: Array) -> tuple[Array, Array]:
    """Return f(x) and f'(x) as the engine computes them."""
    n = len(x)
    tile = np.concatenate([x, np.zeros(2 * n, x.dtype), np.ones(n, x.dtype)])
    _activate(activations.NAMES.index(name), tile, n)
    return tile[n : 2 * n], tile[3 * n :]


def _density(x: Array) -> Array:
    return np.asarray(np.exp(-x * x / 2) / np.sqrt(2 * np.arctan(np.longdouble(1)) * 4))


def _probability(x: Array) -> Array:
    """Return the normal distribution's probability below x, accurate in its tail too."""
    z = np.abs(x)
    near, far = np.minimum(z, 2), np.maximum(z, 2)
    term = total = near
    for k in range(1, 80):  # ½ + φ(z) Σ z^(2k+1) / (2k+1)!!
        term = term * near * near / (2 * k + 1)
        total = total + term
    fraction = far
    for k in range(300, 0, -1):  # φ(z) / (z + 1 / (z + 2 / (z + …)))
        fraction = far + k / fraction
    tail = np.where(z < 2, 0.5 - _density(near) * total, _density(far) / fraction)
    return np.where(x > 0, 1 - tail, tail)


def _logistic(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


def _both(choose: Callable[[Array], Any], value: Any, other: Any) -> Callable[[Array], Array]:
    return lambda x: np.where(choose(x), value(x) if callable(value) else value, other(x) if callable(other) else other)


def _tanh_slope(x: Array) -> Array:
    e = np.exp(-2 * np.abs(x))
    return np.asarray(4 * e / (1 + e) ** 2)


_LEAK = activations.LEAK
EXACT: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "identity": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), _both(lambda x: x > 0, 1, 0)),
    "leaky_relu": (_both(lambda x: x > 0, lambda x: x, lambda x: x * _LEAK), _both(lambda x: x > 0, 1, _LEAK)),
    "tanh": (np.tanh, _tanh_slope),
    "sigmoid": (_logistic, lambda x: _logistic(x) * _logistic(-x)),
    "gelu": (lambda x: x * _probability(x), lambda x: _probability(x) + x * _density(x)),
    "silu": (lambda x: x * _logistic(x), lambda x: _logistic(x) * (1 + x * _logistic(-x))),
    "hard_tanh": (lambda x: np.clip(x, -1, 1), _both(lambda x: np.abs(x) < 1, 1, 0)),
}


def every_exponent(dtype: Any) -> Array:
    """Return numbers of either sign with every exponent, subnormal ones included, and zeros."""
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    mantissas = np.linspace(1, 2, MANTISSAS, endpoint=False)
    magnitudes = np.ldexp(mantissas[:, None].astype(dtype), exponents).astype(dtype).ravel()
    return np.concatenate([magnitudes, -magnitudes, [dtype(0.0), dtype(-0.0), info.max, info.min]]).astype(dtype)


def samples(dtype: Any) -> Array:
    """Return every exponent, and dense grids where the functions bend and where their tails end."""
    grids = [
        np.linspace(-width, width, GRID).astype(dtype) for width in (0.01, 12.0, 90.0 if dtype is np.float32 else 750)
    ]
    return np.concatenate([every_exponent(dtype), *grids])


@dataclass(frozen=True)
class Accuracy:
    """The largest errors of one compiled function.

    Attributes
    ----------
    in_ulp, ulp_at : float
        In units in the last place of the exact result, where that is well above underflow, and the x of it.
    absolute, absolute_at : float
        In units of the number type's rounding, eps times 1 or the exact result, whichever is larger, and the x of it.
    all_finite : bool
        Whether every finite x has a finite result.
    """

    in_ulp: float
    ulp_at: float
    absolute: float
    absolute_at: float
    all_finite: bool


def accuracy_of(found: Array, exact: Array, x: Array) -> Accuracy:
    """Return the largest errors of results for numbers x."""
    info = np.finfo(found.dtype)
    error = np.abs(found.astype(exact.dtype) - exact)
    size = np.clip(np.abs(exact), info.tiny, info.max / 2).astype(found.dtype)
    ulp = np.where(np.abs(exact) >= info.tiny / info.eps, error / np.spacing(size).astype(exact.dtype), 0)
    absolute = error / (info.eps * np.maximum(1, np.abs(exact)))
    one, other = int(np.argmax(ulp)), int(np.argmax(absolute))
    return Accuracy(
        float(ulp[one]), float(x[one]), float(absolute[other]), float(x[other]), bool(np.isfinite(found).all())
    )


def measured(name: str, dtype: Any) -> tuple[Accuracy, Accuracy]:
    """Return how far an activation and its slope are from the truth."""
    x = samples(dtype)
    with np.errstate(all="ignore"):
        exact = [np.asarray(function(x.astype(np.longdouble)), np.longdouble) for function in EXACT[name]]
        value, slope = (accuracy_of(found, truth, x) for found, truth in zip(compiled(name, x), exact, strict=True))
    return value, slope
