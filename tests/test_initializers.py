"""Initial weights: their scale, and that a seed fixes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from fastpc import initializers
from fastpc.errors import ConfigurationError
from fastpc.initializers import initialize

SIZES = st.integers(1, 40)


@given(st.sampled_from(initializers.NAMES), SIZES, SIZES, st.integers(0, 2**32 - 1))
def test_a_seed_fixes_the_weights(name: str, n_in: int, n_out: int, seed: int) -> None:
    weights = initialize(name, n_in, n_out, np.random.default_rng(seed))
    again = initialize(name, n_in, n_out, np.random.default_rng(seed))
    assert weights.shape == (n_in, n_out)
    assert weights.dtype == np.float64
    assert weights.flags.c_contiguous
    np.testing.assert_array_equal(weights, again)


@pytest.mark.parametrize(
    ("name", "deviation"),
    [
        ("he_normal", np.sqrt(2 / 300)),
        ("he_uniform", np.sqrt(2 / 300)),
        ("glorot_normal", np.sqrt(2 / 500)),
        ("glorot_uniform", np.sqrt(2 / 500)),
        ("standard_normal", 1.0),
        ("notebook", 0.01),
    ],
)
def test_scale(name: str, deviation: float) -> None:
    weights = initialize(name, 300, 200, np.random.default_rng(0))
    assert weights.std() == pytest.approx(deviation, rel=0.02)
    assert abs(weights.mean()) < 0.02 * deviation


@pytest.mark.parametrize(("name", "bound"), [("he_uniform", np.sqrt(6 / 300)), ("glorot_uniform", np.sqrt(6 / 500))])
def test_uniform_draws_fill_their_bounds(name: str, bound: float) -> None:
    weights = initialize(name, 300, 200, np.random.default_rng(0))
    assert 0.999 * bound < np.abs(weights).max() <= bound


@given(SIZES, SIZES, st.integers(0, 2**32 - 1))
def test_orthogonal_weights_have_unit_singular_values(n_in: int, n_out: int, seed: int) -> None:
    weights = initialize("orthogonal", n_in, n_out, np.random.default_rng(seed))
    np.testing.assert_allclose(np.linalg.svd(weights, compute_uv=False), 1.0)


def test_orthogonal_weights_do_not_depend_on_the_thread_count() -> None:
    with threadpool_limits(1, user_api="blas"):
        one = initialize("orthogonal", 300, 200, np.random.default_rng(0))
    with threadpool_limits(2, user_api="blas"):
        two = initialize("orthogonal", 300, 200, np.random.default_rng(0))
    np.testing.assert_array_equal(one, two)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"he_normal, .*notebook, got 'ones'"):
        initialize("ones", 2, 3, np.random.default_rng(0))


def test_sizes_are_at_least_one() -> None:
    with pytest.raises(ConfigurationError, match=r"at least 1, got \(0, 3\)"):
        initialize("he_normal", 0, 3, np.random.default_rng(0))
