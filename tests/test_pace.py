"""How many threads pay: all of them, unless one alone is measured to be faster."""

import pytest

from fastpc.pace import Pace


def drive(pace: Pace, seconds: dict[int, float], chunks: int) -> list[int]:
    """Feed back fixed seconds a sample for each number of threads; return the numbers chosen."""
    chosen = []
    for _ in range(chunks):
        chosen.append(pace.threads)
        pace.measured(seconds[pace.threads])
    return chosen


def test_keeps_all_threads_while_they_are_as_fast_as_they_were() -> None:
    assert drive(Pace(2), {2: 1.0, 1: 0.5}, 20) == [2] * 20


def test_a_slow_first_chunk_is_not_judged() -> None:
    pace = Pace(2)
    pace.measured(0.001)
    assert drive(pace, {2: 1.0, 1: 1.8}, 20) == [2] * 20


def test_notices_a_neighbour_that_comes_later_and_looks_again_now_and_then() -> None:
    pace = Pace(2)
    drive(pace, {2: 1.0, 1: 2.0}, 20)
    chosen = drive(pace, {2: 9.0, 1: 2.0}, 40)
    assert chosen.count(1) >= 30
    assert 2 in chosen[5:]


def test_a_single_hiccup_costs_a_short_trial_and_a_few_chunks() -> None:
    pace = Pace(2)
    drive(pace, {2: 1.0, 1: 2.0}, 20)
    pace.measured(3.0)
    assert pace.trying
    assert drive(pace, {2: 1.0, 1: 2.0}, 12)[-8:] == [2] * 8


def test_comes_back_when_the_machine_is_free_again() -> None:
    pace = Pace(4)
    drive(pace, {4: 0.3, 1: 1.0}, 10)
    drive(pace, {4: 3.0, 1: 1.0}, 20)
    assert drive(pace, {4: 0.3, 1: 1.0}, 40)[-10:] == [4] * 10


@pytest.mark.parametrize("seconds", [1e-6, 1.0])
def test_one_thread_is_never_anything_else(seconds: float) -> None:
    assert set(drive(Pace(1), {1: seconds}, 10)) == {1}
