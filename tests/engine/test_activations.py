"""Activations and their slopes against the float64 references."""

from typing import Any

import numpy as np
import pytest

import naive_activations
from engine.accuracy import Array, dense_grid
from engine.compiled import exact_kernel
from fastpc import network
from fastpc.engine import activations
from strategies import MARGIN

DTYPES = (np.float32, np.float64)
WIDTHS = (1, 7, 16, 33, 100)  # most are multiples of no vector


@exact_kernel
def _activate(code, tile, state, activity, slope, count):
    activations.activate(code, tile, state, activity, slope, count)


@exact_kernel
def _multiply_slopes(code, tile, out, state, activity, slope, count):
    activations.multiply_slopes(code, tile, out, state, activity, slope, count)


def activate(name: str, x: Array) -> tuple[Array, Array]:
    """Return f(x) and f'(x), computed between two sentinels each; the slopes multiply ones."""
    n = len(x)
    tile = np.full(4 * n + 5, 77, x.dtype)
    state, activity, slope, product = (k * n + k + 1 for k in range(4))
    tile[state : state + n] = x
    tile[product : product + n] = 1
    code = activations.NAMES.index(name)
    _activate(code, tile, state, activity, slope, n)
    _multiply_slopes(code, tile, product, state, activity, slope, n)
    assert np.array_equal(tile[state : state + n], x, equal_nan=True)
    assert (tile[[k * n + k for k in range(5)]] == 77).all()
    return tile[activity : activity + n], tile[product : product + n]


def test_the_engine_and_the_network_know_the_same_names() -> None:
    assert activations.NAMES == network.ACTIVATIONS == tuple(naive_activations.ACTIVATIONS)
    assert activations.LEAK == naive_activations.LEAKY_SLOPE


@pytest.mark.parametrize("name", activations.NAMES)
def test_lipschitz_constant_is_the_reference_s(name: str) -> None:
    constant = activations.LIPSCHITZ[activations.NAMES.index(name)]
    exact = naive_activations.ACTIVATIONS[name].lipschitz
    assert exact <= constant <= exact * (1 + 2e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_values_and_slopes_are_the_reference_s(name: str, dtype: Any) -> None:
    reference = naive_activations.ACTIVATIONS[name]
    x = np.concatenate([dense_grid(dtype, 12.0), dense_grid(dtype, 0.01)])
    exact = x.astype(np.float64)
    activity, slope = activate(name, x)
    eps = np.finfo(dtype).eps
    value = reference.function(exact)
    # Measured: at most 2.5 (gelu, float64) and 7.0 (silu, float64).
    assert (np.abs(activity - value) / np.maximum(1, np.abs(value))).max() <= 3 * eps
    assert np.abs(slope - reference.derivative(exact)).max() <= 8.5 * eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_slopes_are_finite_differences_away_from_kinks(name: str, dtype: Any) -> None:
    kinks = naive_activations.ACTIVATIONS[name].kinks
    x = np.linspace(-4, 4, 4001)
    x = x[np.all([np.abs(x - kink) > 10 * MARGIN for kink in kinks] or [x == x], axis=0)]
    width = np.cbrt(np.finfo(dtype).eps)
    above, below = (x + width).astype(dtype), (x - width).astype(dtype)
    difference = (activate(name, above)[0] - activate(name, below)[0]) / (above - below)
    _, slope = activate(name, x.astype(dtype))
    assert np.abs(slope - difference).max() <= 10 * width**2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_any_width_gives_the_same_numbers(name: str, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(0, 2, max(WIDTHS)).astype(dtype)
    activity, slope = activate(name, x)
    for width in WIDTHS:
        short = activate(name, x[:width])
        assert np.array_equal(short[0], activity[:width])
        assert np.array_equal(short[1], slope[:width])


@pytest.mark.parametrize("dtype", DTYPES)
def test_identity_keeps_every_bit(dtype: Any) -> None:
    x = np.array([0.0, -0.0, 1e-40, -3.5, np.inf, np.finfo(dtype).max], dtype)
    activity, slope = activate("identity", x)
    assert activity.tobytes() == x.tobytes()
    assert (slope == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_at_the_kinks_are_the_lower_side_s(dtype: Any) -> None:
    zeros = np.array([0.0, -0.0], dtype)
    assert activate("relu", zeros)[1].tolist() == [0, 0]
    assert activate("leaky_relu", zeros)[1] == pytest.approx([0.01, 0.01])
    assert activate("hard_tanh", np.array([-1, 1], dtype))[1].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["identity", "leaky_relu", "tanh", "sigmoid", "gelu", "silu"])
def test_nan_shows_in_the_activity(name: str, dtype: Any) -> None:
    x = np.array([0.5, np.nan, -2.0], dtype)
    activity, _ = activate(name, x)
    assert np.isnan(activity).tolist() == [False, True, False]
