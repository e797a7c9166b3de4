"""How far exp, tanh, the logistic function and the normal distribution are from the truth.

The bounds are what was measured, rounded up by a fifth or so; the comments hold the measurements.
References are float64, or extended precision where the processor has it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.polynomial import Chebyshev, Polynomial
from scipy.special import erfcx

from engine.accuracy import Array, dense_grid, every_exponent, ulp_errors
from engine.compiled import exact_kernel
from fastpc.engine import elementary
from fastpc.engine.elementary import ERFCX_COEFFICIENTS, ERFCX_P

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|underflow|invalid)")
DTYPES = (np.float32, np.float64)
# e^x is a normal number up to here; above, the functions hold on to the last one.
LARGEST_EXPONENT = {np.float32: 87.0, np.float64: 708.0}


def over(function: Any) -> Callable[[Array], Array]:
    """Return the loop of a compiled function over an array."""

    @exact_kernel
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    def run(x: Array) -> Array:
        out = np.empty_like(x)
        loop(x, out)
        return out

    return run


@exact_kernel
def _probability(x):
    return elementary.normal(x)[0]


@exact_kernel
def _density(x):
    return elementary.normal(x)[1]


exp, tanh, sigmoid = over(elementary.exp), over(elementary.tanh), over(elementary.sigmoid)
probability, density = over(_probability), over(_density)


def exact_probability(x: Array) -> Array:
    magnitude = np.abs(x).astype(np.float64)
    tail = 0.5 * erfcx(magnitude / np.sqrt(2)) * np.exp(-(np.longdouble(x) ** 2) / 2)
    return np.where(x > 0, 1 - tail, tail)


def exact_density(x: Array) -> Array:
    return np.asarray(np.exp(-(np.longdouble(x) ** 2) / 2) / np.sqrt(2 * np.pi * np.longdouble(1)))


class Bound(NamedTuple):
    """The most units in the last place that a function may be off, by dtype."""

    function: Callable[[Array], Array]
    exact: Callable[[Array], Array]
    float32: float
    float64: float


ELEMENTARY = {
    "exp": Bound(exp, lambda x: np.exp(np.longdouble(x)), 1.2, 1.2),  # 1.00 and 0.97
    "tanh": Bound(tanh, lambda x: np.tanh(np.longdouble(x)), 3.0, 3.0),  # 2.48 and 2.49
    "sigmoid": Bound(sigmoid, lambda x: 1 / (1 + np.exp(-np.longdouble(x))), 2.7, 2.7),  # 2.24, 2.07
    # Of the normal distribution per 1 + x²/2, the condition of e^(-x²/2).
    "probability": Bound(probability, exact_probability, 10.0, 21.0),  # 8.2 and 17.2
    "density": Bound(density, exact_density, 1.7, 1.7),  # 1.34 and 1.37
}


def samples(name: str, dtype: Any) -> Array:
    """Numbers of every exponent and some dense grids, where the result is a normal number."""
    largest = LARGEST_EXPONENT[dtype]
    grids = [dense_grid(dtype, width) for width in (largest, 10.0, 0.01)]
    x = np.concatenate([every_exponent(dtype), *grids])
    if name == "tanh":
        return x
    return x[np.abs(x) <= (largest if name in ("exp", "sigmoid") else 0.99 * np.sqrt(2 * largest))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTARY)
def test_largest_error_in_units_in_the_last_place(name: str, dtype: Any) -> None:
    bound, x = ELEMENTARY[name], samples(name, dtype)
    errors = ulp_errors(bound.function(x), bound.exact(x))
    if name in ("probability", "density"):
        errors /= 1 + np.square(x.astype(np.float64)) / 2
    assert errors.max() <= getattr(bound, np.dtype(dtype).name)


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 2.5), (np.float64, 4.8)])
def test_probability_is_off_by_a_few_units_in_the_last_place_of_one(dtype: Any, largest: float) -> None:
    x = samples("probability", dtype)
    errors = np.abs(probability(x) - exact_probability(x)) / np.finfo(dtype).eps
    assert errors.max() <= largest  # 2.15 and 4.10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTARY)
def test_nan_stays_nan_and_nothing_else_becomes_it(name: str, dtype: Any) -> None:
    function = ELEMENTARY[name].function
    assert np.isnan(function(np.full(37, np.nan, dtype))).all()
    x = np.concatenate([every_exponent(dtype), np.array([np.inf, -np.inf], dtype)])
    assert np.isfinite(function(x)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_nan_among_numbers_stays_alone(dtype: Any) -> None:
    x = np.linspace(-3, 3, 67).astype(dtype)
    whole = tanh(x)
    x[41] = np.nan
    broken = tanh(x)
    assert np.flatnonzero(np.isnan(broken)).tolist() == [41]
    assert np.array_equal(np.delete(broken, 41), np.delete(whole, 41))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exp_is_zero_far_below_and_holds_on_to_a_large_number_far_above(dtype: Any) -> None:
    largest = LARGEST_EXPONENT[dtype]
    ends = exp(np.array([-largest, largest], dtype))
    assert np.finfo(dtype).tiny <= ends[0] < 2 * np.finfo(dtype).tiny
    above, below = np.array([largest + 1, 1e30, np.inf], dtype), np.array([-largest - 1, -1e30, -np.inf], dtype)
    assert np.array_equal(exp(above), np.repeat(ends[1], 3))
    assert np.array_equal(exp(below), np.zeros(3))
    between = np.linspace(-largest - 1, -largest, 1001).astype(dtype)
    exact = np.exp(between.astype(np.longdouble))
    assert (np.abs(exp(between) - exact) <= np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_values(dtype: Any) -> None:
    zeros = np.array([0.0, -0.0], dtype)
    assert np.array_equal(exp(zeros), [1, 1])
    assert np.array_equal(sigmoid(zeros), [0.5, 0.5])
    assert np.array_equal(np.signbit(tanh(zeros)), [False, True])
    far = np.array([40, np.inf, -40, -np.inf], dtype)
    assert np.array_equal(tanh(far), [1, 1, -1, -1])
    assert np.array_equal(sigmoid(far[:2]), [1, 1])
    assert np.array_equal(probability(far[:2]), [1, 1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_odd_and_at_most_one(dtype: Any) -> None:
    x = every_exponent(dtype)
    y = tanh(x)
    assert np.array_equal(tanh(-x), -y)
    assert np.abs(y).max() == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_lie_between_zero_and_one_and_mirror(dtype: Any) -> None:
    x = np.concatenate([every_exponent(dtype), dense_grid(dtype, 20.0)])
    for function in (sigmoid, probability):
        y = function(x)
        assert y.min() >= 0
        assert y.max() <= 1
        assert np.abs(y + function(-x) - 1).max() <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize(
    ("p", "coefficients", "largest_error"),
    [
        (ERFCX_P[0], ERFCX_COEFFICIENTS[0], 3.1e-7),  # 3.02e-7
        (ERFCX_P[1], ERFCX_COEFFICIENTS[1], 5e-15),  # 4.1e-15
    ],
    ids=["float32", "float64"],
)
def test_the_fit_of_erfcx_repeated_gives_the_coefficients(
    p: float, coefficients: tuple[float, ...], largest_error: float
) -> None:
    """Interpolate erfcx(z) / t in u = 2 t - 1, with t = 1 / (1 + p z), at Chebyshev's nodes."""

    def scaled(u: Array) -> Array:
        t = (u + 1) / 2
        return np.asarray(erfcx((1 / t - 1) / p) / t)

    fit = Chebyshev.interpolate(scaled, len(coefficients) - 1)
    # Compared as Chebyshev series: on the way to powers of u, rounding errors grow by millions.
    held = Polynomial(coefficients).convert(kind=Chebyshev)
    assert np.abs(fit.coef - held.coef).max() <= 5e-15

    u = np.linspace(-1 + 1e-9, 1, 100_003)
    assert np.abs(Polynomial(coefficients)(u) / scaled(u) - 1).max() <= largest_error
