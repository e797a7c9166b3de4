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
    """Write f(x) and f'(x) for the `count` states from ``tile[state]`` on to `activity` and `slope`."""
    states = borrow(tile, state, count)
    activities = borrow(tile, activity, count)
    slopes = borrow(tile, slope, count)
    if code == RELU:
        for i in range(count):
            x = states[i]
            activities[i] = max(_zero(x), x)
            slopes[i] = _one(x) if x > _zero(x) else _zero(x)
    elif code == LEAKY_RELU:
        for i in range(count):
            x = states[i]
            d = _one(x) if x > _zero(x) else _leak(x)
            activities[i] = d * x
            slopes[i] = d
    elif code == TANH:
        for i in range(count):
            a = tanh(states[i])
            activities[i] = a
            slopes[i] = _one(a) - a * a
    elif code == SIGMOID:
        for i in range(count):
            a = sigmoid(states[i])
            activities[i] = a
            slopes[i] = a * (_one(a) - a)
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
            x = states[i]
            activities[i] = min(max(x, -_one(x)), _one(x))
            slopes[i] = _one(x) if abs(x) < _one(x) else _zero(x)
    else:
        for i in range(count):
            x = states[i]
            activities[i] = x
            slopes[i] = _one(x)
