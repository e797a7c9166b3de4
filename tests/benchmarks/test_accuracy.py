"""The compiled activations and their slopes, over every exponent: how far they are from the truth."""

from typing import Any

import numpy as np
import pytest
from scipy.special import erfc, expit, log_ndtr

from benchmarks import accuracy
from benchmarks.accuracy import DTYPES, EXACT, compiled, every_exponent, measured, samples

# The largest errors of f and f': in units in the last place of the result, and in eps of the larger of it and 1. What
# was measured, rounded up; None where a difference of two numbers of about 1 leaves nothing of a small result's bits.
BOUNDS: dict[str, tuple[tuple[float | None, float], tuple[float | None, float]]] = {
    "identity": ((0, 0), (0, 0)),
    "relu": ((0, 0), (0, 0)),
    "leaky_relu": ((1, 1), (1, 1)),
    "tanh": ((3, 1.5), (None, 3)),
    "sigmoid": ((2.7, 1), (None, 1)),
    "gelu": ((600, 2.2), (None, 4)),
    "silu": ((4, 1.6), (None, 2)),
    "hard_tanh": ((0, 0), (0, 0)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_no_error_is_above_its_bound_and_no_finite_number_makes_an_infinite_one(name: str, dtype: Any) -> None:
    for found, (in_ulp, absolute) in zip(measured(name, dtype), BOUNDS[name], strict=True):
        assert found.all_finite
        assert in_ulp is None or found.in_ulp <= in_ulp
        assert found.absolute <= absolute


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_exponent_is_there_with_both_signs(dtype: Any) -> None:
    x = samples(dtype)
    info = np.finfo(dtype)
    _, exponents = np.frexp(x[np.isfinite(x) & (x != 0)])
    assert set(exponents) == set(range(info.minexp - info.nmant + 1, info.maxexp + 1))
    assert {0.0, float(info.max), float(info.min), float(info.smallest_subnormal)} <= set(map(float, np.unique(x)))
    assert np.signbit(x[x == 0]).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_what_is_not_finite_shows_and_spoils_no_neighbour(name: str, dtype: Any) -> None:
    x = np.tile(np.array([0.5, np.nan, np.inf, -np.inf, -0.25], dtype), 9)
    value, slope = compiled(name, x)
    alone = compiled(name, x[[0, 4]])
    for found, expected in zip((value, slope), alone, strict=True):
        assert np.array_equal(found[0::5], np.repeat(expected[0], 9))
        assert np.array_equal(found[4::5], np.repeat(expected[1], 9))
    if name not in ("relu", "hard_tanh"):  # which choose by comparing
        assert np.isnan(value[1::5]).all()


def test_the_references_are_others_in_float64() -> None:
    x = np.concatenate([np.linspace(-37, 37, 20_001), every_exponent(np.float64)])
    x = x[np.abs(x) < 37]
    wide = x.astype(np.longdouble)
    for ours, theirs in (
        (accuracy._logistic(wide), expit(x)),
        (accuracy._probability(wide), np.exp(log_ndtr(x))),
        (accuracy._probability(wide), erfc(-x / np.sqrt(2)) / 2),
        (accuracy._tanh_slope(wide), 1 / np.cosh(x) ** 2),
    ):
        # What SciPy's own rounding, times the condition of e^(-x²/2), leaves.
        np.testing.assert_allclose(ours.astype(np.float64), theirs, rtol=1e-12)
