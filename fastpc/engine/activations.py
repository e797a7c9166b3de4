"""Activations f and their slopes f', over a contiguous stretch of a tile."""

from __future__ import annotations

from fastpc.engine.elementary import normal, sigmoid, tanh
from fastpc.engine.jit import exact_kernel
from fastpc.engine.memory import borrow
from fastpc.engine.scalar import per_type

IDENTITY, RELU, LEAKY_RELU, TANH, SIGMOID, GELU, SILU, HARD_TANH = range(8)
LEAK = 0.01
NAMES = ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "hard_tanh")
# The largest slope of each, the Lipschitz constant in the stable-step bound; gelu's is at x = sqrt 2, silu's near 2.4.
LIPSCHITZ = (1.0, 1.0, 1.0, 1.0, 0.25, 1.1289043, 1.0998394, 1.0)

_zero, _one, _leak = per_type(0.0, 0.0), per_type(1.0, 1.0), per_type(LEAK, LEAK)


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
            s = sigmoid(x)
            activities[i] = x * s
            slopes[i] = s + x * s * (_one(x) - s)
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
