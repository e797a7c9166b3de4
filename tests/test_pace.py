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


def test_begins_with_all_threads_and_tries_one_once() -> None:
    # The first chunk is cold, and not judged.
    assert drive(Pace(2), {2: 1.0, 1: 2.0}, 7) == [2, 2, 1, 2, 2, 2, 2]


def test_a_slow_first_chunk_is_no_reason_to_give_threads_up() -> None:
    pace = Pace(2)
    pace.measured(50.0)
    assert drive(pace, {2: 1.0, 1: 1.8}, 20)[2:] == [2] * 18


def test_stays_with_one_while_one_is_faster_and_looks_again_now_and_then() -> None:
    chosen = drive(Pace(2), {2: 3.0, 1: 1.0}, 40)
    assert chosen.count(2) <= 5
    assert 2 in chosen[5:]


def test_comes_back_when_the_machine_is_free_again() -> None:
    pace = Pace(4)
    drive(pace, {4: 3.0, 1: 1.0}, 20)
    assert drive(pace, {4: 0.3, 1: 1.0}, 40)[-10:] == [4] * 10


def test_notices_a_neighbour_that_comes_later() -> None:
    pace = Pace(2)
    drive(pace, {2: 1.0, 1: 2.0}, 20)
    assert drive(pace, {2: 9.0, 1: 2.0}, 40).count(1) > 30


@pytest.mark.parametrize("seconds", [1e-6, 1.0])
def test_one_thread_is_never_anything_else(seconds: float) -> None:
    assert set(drive(Pace(1), {1: seconds}, 10)) == {1}
