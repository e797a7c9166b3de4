"""Constants, polynomials and powers of two in a number's own type."""

from typing import Any

import numpy as np
import pytest

from engine.accuracy import every_exponent, relative_error
from engine.compiled import kernel
from fastpc.engine import scalar

DTYPES = (np.float32, np.float64)


@kernel
def _powers(exponents, out):
    for i in range(len(exponents)):
        out[i] = scalar.power_of_two(exponents[i])


@pytest.mark.parametrize("dtype", DTYPES)
def test_power_of_two_is_exact_over_all_normal_exponents(dtype: Any) -> None:
    exponents = np.arange(np.finfo(dtype).minexp, np.finfo(dtype).maxexp)
    out = np.empty(len(exponents), dtype)
    _powers(exponents.astype(dtype), out)
    assert np.array_equal(out, np.ldexp(dtype(1), exponents))


_third = scalar.per_type(1 / 3, 1 / 3)
_series = scalar.polynomial((1.0, 0.5, 1 / 3), (1.0, 0.5, 1 / 3, 0.25))


@kernel
def _constants(x, out):
    for i in range(len(x)):
        out[i] = _third(x[i])


@kernel
def _polynomials(x, out):
    for i in range(len(x)):
        out[i] = _series(x[i])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_takes_the_type_it_meets(dtype: Any) -> None:
    out = np.zeros(3, dtype)
    _constants(every_exponent(dtype)[:3], out)
    assert (out == dtype(1 / 3)).all()


@pytest.mark.parametrize(("dtype", "degree"), [(np.float32, 2), (np.float64, 3)])
def test_polynomial_has_coefficients_of_its_own_for_each_type(dtype: Any, degree: int) -> None:
    x = np.linspace(-1, 1, 101).astype(dtype)
    out = np.empty_like(x)
    _polynomials(x, out)
    exact = sum(np.float64(x) ** k / (k + 1) for k in range(degree + 1))
    assert relative_error(out, np.asarray(exact)) <= 2 * np.finfo(dtype).eps


@kernel
def _reciprocals(x, out):
    for i in range(len(x)):
        out[i] = scalar.reciprocal(x[i])


@kernel
def _roots(x, out):
    for i in range(len(x)):
        out[i] = scalar.root(x[i])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loop", "exact"), [(_reciprocals, np.reciprocal), (_roots, np.sqrt)])
def test_estimates_are_right_but_for_their_last_bits(loop: Any, exact: Any, dtype: Any) -> None:
    """Over all exponents that Adam's second moments are held to."""
    info = np.finfo(dtype)
    x = np.geomspace(1e30 * info.tiny, 1e-30 * info.max, 100_003).astype(dtype)
    out = np.empty_like(x)
    loop(x, out)
    assert relative_error(out, exact(x.astype(np.longdouble)).astype(np.float64)) <= 2 * info.eps
    loop(np.full(100, np.nan, dtype), out[:100])
    assert np.isnan(out[:100]).all()
