"""A shuffle is a pure function of its size, its seed and the epoch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpc.data import Shuffle
from fastpc.data.shuffle import batches
from fastpc.errors import ConfigurationError


@given(st.integers(1, 2000), st.integers(0, 2**64), st.integers(0, 10**6))
def test_an_epoch_visits_every_sample_once(n: int, seed: int, epoch: int) -> None:
    order = Shuffle(n, seed).order(epoch)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))


def test_an_order_can_be_asked_for_again_in_any_sequence() -> None:
    straight = [Shuffle(100, 7).order(epoch) for epoch in range(5)]
    resumed = Shuffle(100, 7)
    for epoch in (3, 4, 0, 3):
        assert np.array_equal(resumed.order(epoch), straight[epoch])


def test_orders_differ_between_epochs_and_seeds() -> None:
    orders = [Shuffle(100, seed).order(epoch) for seed in range(3) for epoch in range(3)]
    assert len({order.tobytes() for order in orders}) == 9


def test_the_order_is_the_same_under_every_release_of_numpy() -> None:
    assert Shuffle(10, 0).order(0).tolist() == [6, 3, 8, 1, 4, 5, 9, 2, 7, 0]


def test_every_place_is_equally_likely_for_every_sample() -> None:
    counts = np.zeros((8, 8))
    for epoch in range(4000):
        counts[np.arange(8), Shuffle(8, 1).order(epoch)] += 1
    # 500 expected in each cell, with a standard deviation of 21.
    assert np.abs(counts - 500).max() < 5 * 21


@pytest.mark.parametrize(("n", "batch_size", "expected"), [(1, 64, 1), (64, 64, 1), (65, 64, 2), (60000, 64, 938)])
def test_the_last_short_batch_counts(n: int, batch_size: int, expected: int) -> None:
    assert batches(n, batch_size) == expected


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="between 1 and"):
        Shuffle(0, 0)
    with pytest.raises(ConfigurationError, match="seed of at least 0, got -1"):
        Shuffle(1, -1)
    with pytest.raises(ConfigurationError, match="epoch of at least 0"):
        Shuffle(1, 0).order(-1)
    with pytest.raises(ConfigurationError, match="batch size of at least 1, got 0"):
        batches(10, 0)
