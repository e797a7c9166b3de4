"""exp, tanh, the logistic function and the normal distribution, branch-free: loops over them become vector code.

Numba's own ``exp``, ``tanh`` and ``erf`` are one library call a number, eight to twenty times slower. The largest
errors, over every exponent, are held by ``tests/engine/test_elementary.py``.
"""

from __future__ import annotations

import math

import numpy as np

from fastpc.engine.jit import exact_kernel
from fastpc.engine.scalar import per_type, polynomial, power_of_two

_zero, _half, _one, _two = (per_type(value, value) for value in (0.0, 0.5, 1.0, 2.0))
_log2_e = per_type(1 / math.log(2), 1 / math.log(2))
# ln 2 = high + low, where high has so few bits that its product with an exponent is exact.
_ln2_high = per_type(0.69140625, 0.6931471803691238)
_ln2_low = per_type(0.0017409305599453094, 1.9082149292705877e-10)
# Beyond this, 2^n is no finite number.
_largest_exponent = per_type(87.0, 708.0)
# From here on, n is one below the normal numbers' exponents, and `power_of_two` of that is 0.
_lowest_exponent = per_type(-88.0, -709.0)
# (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: Taylor's series to where its rest is below half an ulp.
_expm1_tail = polynomial(
    tuple(1 / math.factorial(k) for k in range(2, 9)), tuple(1 / math.factorial(k) for k in range(2, 15))
)

# exp(z^2) erfc(z) = t P(2 t - 1) with t = 1 / (1 + p z), z >= 0: P interpolated at Chebyshev nodes from
# scipy.special.erfcx, degrees 8 and 24. Relative errors 3e-7 and 5e-15; a test repeats the fit.
ERFCX_P = (0.4, 0.5)
ERFCX_COEFFICIENTS = (
    (
        0.4216127281222874, 0.32186117067979303, 0.1815667575989852, 0.06849458102005801, 0.011329619665209168,
        -0.0033347281514948947, -0.001871655412194506, 0.00014109715029285582, 0.0002005722075062708,
    ),
    (
        0.510791352621011, 0.34358034220690525, 0.13973604627806138, 0.018221115753456238, -0.01075533094652716,
        -0.0032395925351540083, 0.0015453060600946736, 0.00041864804135581524, -0.00033153700648168197,
        -1.7185695993931113e-05, 7.223656058556768e-05, -1.7075023463888823e-05, -1.0851326167033586e-05,
        8.063429951892527e-06, -5.582571365424596e-07, -1.8297145163173068e-06, 1.0004286226686733e-06,
        1.072141328269668e-08, -2.952352781986932e-07, 1.5257447274165886e-07, 1.574538759554926e-08,
        -5.236252019097599e-08, 1.4125779696229338e-08, 6.71715398142374e-09, -3.1610136383170544e-09,
    ),
)  # fmt: skip
_erfcx_p_over_root_2 = per_type(*(p * math.sqrt(0.5) for p in ERFCX_P))
_erfcx_polynomial = polynomial(*ERFCX_COEFFICIENTS)
_root_2_pi = per_type(1 / math.sqrt(2 * math.pi), 1 / math.sqrt(2 * math.pi))


@exact_kernel
def _split_exponential(x):
    """Return (2^n, exp(r) - 1) with x = n ln 2 + r; x is held where 2^n is a normal number or 0."""
    held = min(max(x, _lowest_exponent(x)), _largest_exponent(x))
    n = np.rint(held * _log2_e(x))
    r = (held - n * _ln2_high(x)) - n * _ln2_low(x)
    return power_of_two(n), r + r * r * _expm1_tail(r)


@exact_kernel
def exp(x):
    """Return e^x; below about -87.7 (float32) or -708.7 (float64) 0, and above 87 or 708 its value there."""
    power, rest = _split_exponential(x)
    return power + power * rest


@exact_kernel
def tanh(x):
    """Return tanh x = E / (E + 2) with E = exp(2 x) - 1, which keeps its relative accuracy near zero."""
    power, rest = _split_exponential(-_two(x) * abs(x))
    e = power * rest + (power - _one(x))
    magnitude = -e / (e + _two(x))
    return np.copysign(magnitude, x)


@exact_kernel
def sigmoid(x):
    """Return 1 / (1 + e^-x), which far below stays at the smallest normal numbers."""
    return _one(x) / (_one(x) + exp(-x))


@exact_kernel
def sigmoids(x):
    """Return 1 / (1 + e^-x) and 1 / (1 + e^x), which add up to 1, each to its own last bits and down to 0.

    Multiplied by x, as in silu, the first must reach 0; and silu's slope needs the second where 1 minus the first would
    have lost most of it. Some 10% slower than `sigmoid`.
    """
    e = exp(-abs(x))
    near_one = _one(x) / (_one(x) + e)
    rest = e * near_one
    return (near_one, rest) if x > _zero(x) else (rest, near_one)


@exact_kernel
def normal(x):
    """Return the standard normal distribution's cumulative probability and its density at x."""
    magnitude = abs(x)
    bell = exp(-_half(x) * x * x)
    t = _one(x) / (_one(x) + _erfcx_p_over_root_2(x) * magnitude)
    tail = _half(x) * bell * t * _erfcx_polynomial(_two(x) * t - _one(x))
    probability = _one(x) - tail if x > _zero(x) else tail
    return probability, bell * _root_2_pi(x)
