"""The model of more ranks: its constants, and what it says."""

from typing import Any

import pytest

from benchmarks.rank_model import Model, model_in_words, model_of
from benchmarks.rank_scaling import SHARES, VECTORS

FOUND: dict[str, Any] = {
    "shares": [(size, 1e-3 + 25e-6 * size) for size in SHARES],
    "vectors": [(n, 10e-6 + n * 4 / 4e9) for n in VECTORS],
}


def test_the_model_s_constants_are_found_again():
    model = model_of(FOUND)
    assert model.fixed == pytest.approx(1e-3)
    assert model.per_sample == pytest.approx(25e-6)
    assert model.latency == pytest.approx(5e-6, rel=1e-3)
    assert model.bandwidth == pytest.approx(4e9)
    assert model.size == 4 * 269_322
    assert model_of(FOUND, (1.0, 2.0)).bandwidth == 2.0


def test_one_rank_has_nothing_to_join_and_many_are_worth_it_while_their_shares_are_large():
    model = Model(fixed=1e-3, per_sample=1e-4, latency=1e-5, bandwidth=1e9, size=1_000_000)
    assert model.joining(1) == 0
    assert model.joining(2) == pytest.approx(2e-5 + 1e-3)
    assert model.seconds(3, 100) == pytest.approx(1e-3 + 34e-4 + 4e-5 + 4 / 3 * 1e-3)
    assert model.speedup(1, 64) == 1
    assert model.last_worth_it(16) == 1
    assert 1 < model.last_worth_it(256) < model.last_worth_it(4096)


def test_the_words_have_every_constant():
    assert "Measured here: fixed 1000 µs, 25.0 µs a sample, latency 5.0 µs" in model_in_words(FOUND)
