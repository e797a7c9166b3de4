"""The activation functions in float64: slow, obvious references for the compiled ones."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erf, expit

Array = NDArray[np.float64]

LEAKY_SLOPE = 0.01


class Activation(NamedTuple):
    """A function, its derivative, the derivative's largest value, and where it has kinks."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    lipschitz: float
    kinks: tuple[float, ...] = ()


def normal_cdf(x: Array) -> Array:
    if x.dtype == np.float64:
        return np.asarray(0.5 * (1 + erf(x / np.sqrt(2))))
    # SciPy has no wider erf: Φ(x) = ½ + φ(x) Σ x^(2k+1) / (2k+1)!!, all terms of one sign.
    term, total = x, x
    for k in range(1, 400):
        term = term * x**2 / (2 * k + 1)
        total = total + term
    return np.asarray(0.5 + normal_pdf(x) * total)


def normal_pdf(x: Array) -> Array:
    return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))


def gelu_derivative(x: Array) -> Array:
    return normal_cdf(x) + x * normal_pdf(x)


def silu_derivative(x: Array) -> Array:
    return np.asarray(expit(x) * (1 + x * expit(-x)))


# The derivatives are steepest where the second derivatives vanish: φ(x)(2 - x²) = 0 for gelu,
# and x tanh(x/2) = 2 for silu.
GELU_STEEPEST = np.sqrt(2)
SILU_STEEPEST = brentq(lambda x: x * np.tanh(x / 2) - 2, 2, 3, xtol=1e-15)

ACTIVATIONS = {
    "identity": Activation(lambda x: x, np.ones_like, 1.0),
    "relu": Activation(lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0), 1.0, (0,)),
    "leaky_relu": Activation(
        lambda x: np.where(x > 0, x, LEAKY_SLOPE * x),
        lambda x: np.where(x > 0, 1.0, LEAKY_SLOPE),
        1.0,
        (0,),
    ),
    "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 1.0),
    "sigmoid": Activation(expit, lambda x: expit(x) * (1 - expit(x)), 0.25),
    "gelu": Activation(lambda x: x * normal_cdf(x), gelu_derivative, float(gelu_derivative(GELU_STEEPEST))),
    "silu": Activation(lambda x: x * expit(x), silu_derivative, float(silu_derivative(SILU_STEEPEST))),
    "hard_tanh": Activation(lambda x: np.clip(x, -1, 1), lambda x: np.where(np.abs(x) < 1, 1.0, 0.0), 1.0, (-1, 1)),
}
SMOOTH = tuple(name for name, activation in ACTIVATIONS.items() if not activation.kinks)
KINKED = tuple(name for name, activation in ACTIVATIONS.items() if activation.kinks)
