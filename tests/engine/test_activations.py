"""Activations and their slopes against the float64 references."""

from typing import Any

import numpy as np
import pytest

import naive_activations
from engine.accuracy import Array, dense_grid, every_exponent
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


@exact_kernel
def _advance(code, tile, change, state, activity, slope, count):
    activations.advance(code, tile, change, state, activity, slope, count)


def advance(name: str, x: Array, moves: Array) -> tuple[Array, Array, Array, Array]:
    """Return f(x + d) - f(x), x + d, and f(x + d) and f'(x + d) as they are left; computed between sentinels."""
    n = len(x)
    tile = np.full(4 * n + 5, 77, x.dtype)
    change, state, activity, slope = (k * n + k + 1 for k in range(4))
    tile[state : state + n], tile[change : change + n] = x, moves
    code = activations.NAMES.index(name)
    _activate(code, tile, state, activity, slope, n)
    _advance(code, tile, change, state, activity, slope, n)
    if activations.is_piecewise_linear.py_func(code):
        _activate(code, tile, state, activity, slope, n)
    found = [tile[at : at + n].copy() for at in (change, state, activity, slope)]
    tile[change : change + n] = 1
    _multiply_slopes(code, tile, change, state, activity, slope, n)
    assert (tile[[k * n + k for k in range(5)]] == 77).all()
    return found[0], found[1], found[2], tile[change : change + n]


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
    # Measured: at most 2.5 (gelu, float64) and 3.3 (gelu, float64).
    assert (np.abs(activity - value) / np.maximum(1, np.abs(value))).max() <= 3 * eps
    assert np.abs(slope - reference.derivative(exact)).max() <= 4 * eps


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


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_a_difference_is_exact_to_its_own_rounding_however_small_the_move(name: str, dtype: Any) -> None:
    reference, random, eps = naive_activations.ACTIVATIONS[name], np.random.default_rng(0), np.finfo(dtype).eps
    x = random.uniform(-3, 3, 20_000).astype(dtype)
    d = (random.choice([-1, 1], len(x)) * 10.0 ** random.uniform(-12, 0.5, len(x))).astype(dtype)
    change, *_ = advance(name, x, d)
    before, move = x.astype(np.longdouble), d.astype(np.longdouble)
    exact = reference.function(before + move) - reference.function(before)
    distance, size = np.abs(change - exact), np.abs(x) + np.abs(d)
    # Long moves are plain differences; the reference is one, of wider numbers, everywhere.
    close = distance <= (64 if dtype == np.float32 else 1024) * eps * np.abs(d) + 8 * np.finfo(np.longdouble).eps * (
        1 + size
    )
    crosses = np.any([np.abs(x - kink) <= np.abs(d) for kink in reference.kinks] or [x != x], axis=0)
    assert (close | crosses).all()
    assert (distance <= 4 * eps * size)[crosses].all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_states_move_and_what_belongs_to_them_follows(name: str, dtype: Any) -> None:
    random = np.random.default_rng(1)
    x, d = (random.normal(0, width, 333).astype(dtype) for width in (2, 1))
    _, state, activity, slope = advance(name, x, d)
    assert np.array_equal(state, x + d)
    expected_activity, expected_slope = activate(name, x + d)
    assert np.array_equal(activity, expected_activity)
    # Products and sums may fuse in one place and not in the other.
    assert np.abs(slope - expected_slope).max() <= 2 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_wild_moves_stay_finite_and_nan_shows(name: str, dtype: Any) -> None:
    x = np.array([0.5, 80, -80, 80, -80, 0, 1e4, 0.5], dtype)
    d = np.array([1e4, -160, 160, 1e-3, 1e-3, 0, -2e4, np.nan], dtype)
    change, *_ = advance(name, x, d)
    assert np.isfinite(change[:-1]).all()
    assert np.isnan(change[-1])
    reference = naive_activations.ACTIVATIONS[name].function
    exact = reference(x[:-1].astype(float) + d[:-1]) - reference(x[:-1].astype(float))
    assert np.abs(change[:-1] - exact).max() <= 8 * np.finfo(dtype).eps * 1e4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", activations.NAMES)
def test_moves_of_every_size_from_states_of_every_size_stay_right(name: str, dtype: Any) -> None:
    exponents = every_exponent(dtype)
    magnitudes = np.unique(np.abs(exponents[np.abs(exponents) < np.finfo(dtype).max / 8]))[:: len(exponents) // 90]
    sizes = np.concatenate([-magnitudes, magnitudes])
    x, d = (grid.ravel() for grid in np.meshgrid(sizes, sizes))
    change, state, *_ = advance(name, x, d)
    assert np.isfinite(change).all()
    assert np.array_equal(state, x + d)
    function = naive_activations.ACTIVATIONS[name].function
    before, after = x.astype(np.longdouble), x.astype(np.longdouble) + d
    with np.errstate(all="ignore"):
        far = np.abs(before) + np.abs(d) > 40  # where the reference's series ends, f is nothing or the identity
        exact = np.where(far, 0, function(np.where(far, 0, after)) - function(np.where(far, 0, before)))
    # Long moves are plain differences, with the rounding of numbers of about 1 if f is bounded.
    allowed = 8 * (np.abs(x) + np.abs(d)) + np.where(np.abs(d) >= 1 / 256, 2, 0)
    rounding = 8 * np.finfo(np.longdouble).eps + np.finfo(dtype).tiny  # of the reference, a plain difference too
    assert (np.abs(change - exact) <= allowed * np.finfo(dtype).eps + rounding)[~far].all()
