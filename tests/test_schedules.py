"""Schedules: factors of the learning rate, batch by batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpc import schedules
from fastpc.errors import ConfigurationError
from fastpc.schedules import Constant, Cosine, Schedule, Step, Warmup

drawn_schedules: st.SearchStrategy[Schedule] = st.one_of(
    st.just(Constant()),
    st.builds(Step, every=st.floats(0.01, 9), factor=st.floats(0.5, 1)),
    st.builds(Cosine, final=st.floats(0, 1), warmup=st.floats(0, 0.99)),
    st.builds(Warmup, fraction=st.floats(0, 1)),
)


@given(drawn_schedules, st.integers(1, 50), st.integers(1, 9), st.data())
def test_factors_do_not_depend_on_how_the_run_is_cut(
    schedule: Schedule, batches_per_epoch: int, epochs: int, data: st.DataObject
) -> None:
    total = epochs * batches_per_epoch
    cut = data.draw(st.integers(0, total))
    whole = schedule.factors(0, total, total, batches_per_epoch)
    first = schedule.factors(0, cut, total, batches_per_epoch)
    rest = schedule.factors(cut, total - cut, total, batches_per_epoch)
    assert whole.dtype == np.float64
    assert whole.shape == (total,)
    assert np.all((whole > 0) & (whole <= 1))
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)


def test_constant_is_one() -> None:
    np.testing.assert_array_equal(Constant().factors(7, 3, 10, 5), [1, 1, 1])


def test_step_multiplies_after_every_so_many_epochs() -> None:
    factors = Step(every=2, factor=0.1).factors(0, 15, 15, batches_per_epoch=3)
    np.testing.assert_allclose(factors, [1] * 6 + [0.1] * 6 + [0.01] * 3)


def test_step_can_come_within_an_epoch() -> None:
    factors = Step(every=0.5, factor=0.5).factors(0, 8, 8, batches_per_epoch=4)
    np.testing.assert_allclose(factors, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125])


def test_cosine_falls_from_one_towards_final() -> None:
    factors = Cosine(final=0.2).factors(0, 101, 100, 10)
    assert factors[0] == 1
    assert factors[50] == pytest.approx(0.6)
    assert np.all(np.diff(factors) < 0)
    assert factors[99] > 0.2  # the last batch still learns
    assert factors[100] == pytest.approx(0.2)


def test_cosine_stays_at_final_beyond_the_run() -> None:
    np.testing.assert_allclose(Cosine(final=0.2).factors(100, 5, 100, 10), 0.2)


def test_cosine_rises_first_where_it_warms_up() -> None:
    factors = Cosine(warmup=0.1).factors(0, 100, 100, 10)
    np.testing.assert_allclose(factors[:10], np.arange(1, 11) / 10)
    np.testing.assert_array_equal(factors[10:], Cosine().factors(0, 90, 90, 10))


def test_warmup_rises_linearly_and_stays() -> None:
    factors = Warmup(fraction=0.4).factors(0, 10, 10, 10)
    np.testing.assert_allclose(factors, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("name", schedules.NAMES)
def test_by_name_takes_the_defaults(name: str) -> None:
    schedule = schedules.by_name(name)
    assert isinstance(schedule, Schedule)
    assert type(schedule).__name__.lower() == name


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="constant, step, cosine, warmup, got 'linear'"):
        schedules.by_name("linear")


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        (Step, "every", 0),
        (Step, "every", float("inf")),
        (Step, "factor", 0),
        (Step, "factor", 1.5),
        (Cosine, "final", -0.1),
        (Cosine, "final", 2),
        (Cosine, "warmup", 1),
        (Cosine, "warmup", float("nan")),
        (Warmup, "fraction", 1.1),
        (Warmup, "fraction", True),
        (Warmup, "fraction", "long"),
    ],
)
def test_settings_out_of_bounds_are_named(kind: type[Schedule], setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: expected {setting} .* got"):
        kind(**{setting: value})
