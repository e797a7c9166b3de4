"""Activations f, their slopes f' and their differences f(x + d) - f(x), over a contiguous stretch of a tile."""

from __future__ import annotations

from typing import Any

from fastpc.engine.elementary import normal, sigmoid, sigmoids, tanh
from fastpc.engine.jit import exact_kernel
from fastpc.engine.memory import borrow
from fastpc.engine.scalar import per_type, polynomial

IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID, GELU, SILU, HARD_TANH = range(8)
LEAK = 0.01
NAMES = ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "hard_tanh")
# The largest slope of each, the Lipschitz constant in the stable-step bound; gelu's is at x = sqrt 2, silu's near 2.4.
LIPSCHITZ = (1.0, 1.0, 1.0, 1.0, 0.25, 1.1289043, 1.0998394, 1.0)

_zero, _half, _one, _two, _leak = (per_type(value, value) for value in (0.0, 0.5, 1.0, 2.0, LEAK))
_third, _quarter, _fifth = (per_type(1 / k, 1 / k) for k in (3, 4, 5))
# Above this square, the normal density is 0; and held there, what it multiplies stays finite.
_far_square = per_type(2000.0, 2000.0)
# Below these moves, a difference is a series around one point; above, rounding leaves enough of a plain difference.
_short_tanh_move = per_type(1 / 16, 1 / 16)
_short_move = per_type(1 / 16, 1 / 256)
# tanh(d) / d in powers of d^2.
_tanh_series = polynomial(
    (1, -1 / 3, 2 / 15), (1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925, 21844 / 6081075)
)  # fmt: skip


def _whole(*coefficients: float) -> Any:
    return polynomial(coefficients, coefficients)


# gelu's second to fifth derivatives are the density times these (times x), in powers of x^2; silu's logistic function
# has such derivatives in powers of its first.
_gelu_2, _gelu_3, _gelu_4, _gelu_5 = _whole(2, -1), _whole(-4, 1), _whole(-4, 7, -1), _whole(18, -11, 1)
_logistic_3, _logistic_4, _logistic_5 = _whole(1, -6), _whole(1, -12), _whole(1, -30, 120)
_three, _four, _five = (per_type(value, value) for value in (3.0, 4.0, 5.0))


@exact_kernel
def activate(code, tile, state, activity, slope, count):
    """Write f(x) of `count` states to `activity`, and f'(x) to `slope` where `multiply_slopes` wants it stored."""
    states = borrow(tile, state, count)
    activities = borrow(tile, activity, count)
    slopes = borrow(tile, slope, count)
    if code == RELU:
        for i in range(count):
            activities[i] = max(states[i], _zero(states[i]))
    elif code == LEAKY_RELU:
        for i in range(count):
            x = states[i]
            activities[i] = x if x > _zero(x) else _leak(x) * x
    elif code == TANH:
        for i in range(count):
            activities[i] = tanh(states[i])
    elif code == SIGMOID:
        for i in range(count):
            activities[i] = sigmoid(states[i])
    elif code == GELU:
        for i in range(count):
            x = states[i]
            probability, density = normal(x)
            activities[i] = x * probability
            slopes[i] = probability + x * density
    elif code == SILU:
        for i in range(count):
            x = states[i]
            s, rest = sigmoids(x)
            activities[i] = x * s
            slopes[i] = s + x * s * rest
    elif code == HARD_TANH:
        for i in range(count):
            activities[i] = min(max(states[i], -_one(states[i])), _one(states[i]))
    else:
        for i in range(count):
            activities[i] = states[i]


@exact_kernel
def multiply_slopes(code, tile, out, state, activity, slope, count):
    """Multiply ``tile[out]`` on by f'(x), from the state or the activity where these say it.

    A stored slope would be one array more to stream: at 128 units a tile's arrays just fit the nearest cache without.
    """
    products = borrow(tile, out, count)
    states = borrow(tile, state, count)
    activities = borrow(tile, activity, count)
    slopes = borrow(tile, slope, count)
    if code == RELU:
        for i in range(count):
            x = states[i]
            products[i] *= _one(x) if x > _zero(x) else _zero(x)
    elif code == LEAKY_RELU:
        for i in range(count):
            x = states[i]
            products[i] *= _one(x) if x > _zero(x) else _leak(x)
    elif code == TANH:
        for i in range(count):
            a = activities[i]
            products[i] *= _one(a) - a * a
    elif code == SIGMOID:
        for i in range(count):
            a = activities[i]
            products[i] *= a * (_one(a) - a)
    elif code == HARD_TANH:
        for i in range(count):
            x = states[i]
            products[i] *= _one(x) if abs(x) < _one(x) else _zero(x)
    elif code != IDENTITY:
        for i in range(count):
            products[i] *= slopes[i]


@exact_kernel
def is_piecewise_linear(code):
    """Return whether `advance` leaves f(x) to be found once, at the end."""
    return code in (IDENTITY, RELU, LEAKY_RELU, HARD_TANH)


@exact_kernel
def advance(code, tile, change, state, activity, slope, count):
    """Move states by d = ``tile[change]``, and leave f(x + d) - f(x) there, exact to a few roundings of itself.

    A small move of a large state would drown in the rounding of f(x + d) minus f(x). For smooth f, f(x + d) and
    f'(x + d) are left in place as by `activate`; piecewise linear ones need neither on the way.
    """
    changes = borrow(tile, change, count)
    states = borrow(tile, state, count)
    activities = borrow(tile, activity, count)
    slopes = borrow(tile, slope, count)
    if code == RELU:
        for i in range(count):
            x, d = states[i], changes[i]
            changes[i] = _relu_change(x, d)
            states[i] = x + d
    elif code == LEAKY_RELU:
        for i in range(count):
            x, d = states[i], changes[i]
            changes[i] = _leak(x) * d + (_one(x) - _leak(x)) * _relu_change(x, d)
            states[i] = x + d
    elif code == TANH:
        for i in range(count):
            d, before = changes[i], activities[i]
            states[i] += d
            after = tanh(states[i])
            # tanh u - tanh v = tanh(u - v) (1 - tanh u tanh v)
            series = d * _tanh_series(d * d) * (_one(d) - after * before)
            changes[i] = series if abs(d) < _short_tanh_move(d) else after - before
            activities[i] = after
    elif code == SIGMOID:
        for i in range(count):
            d, before = changes[i], activities[i]
            states[i] += d
            after = sigmoid(states[i])
            half = _half(d) * d
            series = half * _tanh_series(half * half) * (after * (_one(d) - before) + before * (_one(d) - after))
            changes[i] = series if abs(d) < _short_tanh_move(d) else after - before
            activities[i] = after
    elif code == GELU:
        for i in range(count):
            d, before = changes[i], activities[i]
            x = states[i] + d
            probability, density = normal(x)
            square, after, rise = min(x * x, _far_square(x)), x * probability, probability + x * density
            series = _rise(
                d, rise, density * _gelu_2(square), density * x * _gelu_3(square), density * _gelu_4(square),
                density * x * _gelu_5(square),
            )  # fmt: skip
            changes[i] = series if abs(d) < _short_move(d) else after - before
            states[i], activities[i], slopes[i] = x, after, rise
    elif code == SILU:
        for i in range(count):
            d, before = changes[i], activities[i]
            x = states[i] + d
            s, rest = sigmoids(x)
            s1, lean = s * rest, rest - s
            s2, s3, s4, s5 = s1 * lean, s1 * _logistic_3(s1), s1 * lean * _logistic_4(s1), s1 * _logistic_5(s1)
            after, rise = x * s, s + x * s1
            series = _rise(
                d, rise, _two(x) * s1 + x * s2, _three(x) * s2 + x * s3, _four(x) * s3 + x * s4, _five(x) * s4 + x * s5
            )
            changes[i] = series if abs(d) < _short_move(d) else after - before
            states[i], activities[i], slopes[i] = x, after, rise
    elif code == HARD_TANH:
        for i in range(count):
            x, d = states[i], changes[i]
            one = _one(x)
            inside = min(max(d, -one - x), one - x)
            across = min(max(x + d, -one), one) - min(max(x, -one), one)
            changes[i] = inside if abs(x) < one else across
            states[i] = x + d
    else:
        for i in range(count):
            states[i] += changes[i]


@exact_kernel
def _relu_change(x, d):
    """max(x + d, 0) - max(x, 0): exactly d where both are positive."""
    return max(d if x > _zero(x) else x + d, -max(x, _zero(x)))


@exact_kernel
def _rise(d, f1, f2, f3, f4, f5):
    """f(x) - f(x - d) by Taylor's series around x, from the derivatives there."""
    tail = f3 - _quarter(d) * d * (f4 - _fifth(d) * d * f5)
    return d * (f1 - _half(d) * d * (f2 - _third(d) * d * tail))
