"""How many threads a run uses beside other work: as many as make it fastest, and the same bits with any."""

from typing import Any

import pytest

from fastpc import PCNetwork, Trainer, load_digits
from fastpc.team import Team

CALL = 0.2


class Machine:
    """Runs calls at rates that depend on the threads; `processors` is what a call then gets of them."""

    def __init__(self, rates: dict[int, float], processors: dict[int, float]) -> None:
        self.rates, self.processors = rates, processors
        self.seconds = dict.fromkeys(rates, 0.0)
        self.samples = 0.0

    def work(self, team: Team, seconds: float) -> None:
        end = sum(self.seconds.values()) + seconds
        while sum(self.seconds.values()) < end:
            threads = team.threads
            call = CALL / 4 if team.trying else CALL
            self.seconds[threads] += call
            self.samples += call * self.rates[threads]
            team.record(int(call * self.rates[threads] * 1000), call, call * self.processors[threads])


IDLE = Machine({1: 10, 2: 18}, {1: 1.0, 2: 1.95})
LOADED = Machine({1: 10, 2: 5}, {1: 1.0, 2: 1.0})


def fresh(machine: Machine) -> Machine:
    return Machine(machine.rates, machine.processors)


def test_an_idle_machine_is_used_whole_without_trials() -> None:
    team, machine = Team(2, 2), fresh(IDLE)
    machine.work(team, 60)
    assert machine.seconds[1] == 0
    assert team.threads == 2


def test_beside_other_work_the_faster_number_is_found_at_once() -> None:
    team, machine = Team(2, 2), fresh(LOADED)
    machine.work(team, 1)
    assert team.threads == 1


@pytest.mark.parametrize("seconds", [10, 60])
def test_trials_cost_little(seconds: int) -> None:
    team, machine = Team(2, 2), fresh(LOADED)
    machine.work(team, seconds)
    assert machine.samples > 0.96 * seconds * LOADED.rates[1]


def test_it_goes_back_when_the_other_work_ends() -> None:
    team = Team(2, 2)
    fresh(LOADED).work(team, 60)
    machine = fresh(IDLE)
    machine.work(team, 30)
    assert team.threads == 2
    assert machine.seconds[1] < 9, "the longest wait"


def test_two_threads_stay_where_they_are_faster_though_loaded() -> None:
    team, machine = Team(2, 2), Machine({1: 10, 2: 14}, {1: 1.0, 2: 1.3})
    machine.work(team, 60)
    assert team.threads == 2
    assert machine.samples > 0.97 * 60 * 14


def test_more_cores_are_searched_by_halves() -> None:
    team = Team(8, 8)
    machine = Machine({1: 10, 2: 19, 4: 36, 8: 20}, {1: 1.0, 2: 2.0, 4: 4.0, 8: 4.5})
    machine.work(team, 60)
    assert team.threads in (4, 8)
    assert machine.seconds[4] > 0.8 * 60


def test_one_thread_asked_for_is_one_thread() -> None:
    team, machine = Team(1, 2), Machine({1: 10}, {1: 0.3})
    machine.work(team, 10)
    assert team.threads == 1


def test_many_short_calls_are_measured_together_and_what_compiles_is_not() -> None:
    team = Team(2, 2)
    for _ in range(49):
        team.record(10, 0.001, 0.001)
        assert team.threads == 2
    while team.threads == 2:
        team.record(10, 0.001, 0.001)
    assert team.threads == 1
    team.record(1, 10.0, 10.0)  # a compilation
    assert team.trying
    team.record(1000, 0.06, 0.06)
    assert team.threads == 1
    assert not team.trying


def test_a_run_whose_threads_change_learns_the_same_bits() -> None:
    train, _ = load_digits()

    def learned(team: Any) -> tuple[bytes, list[int]]:
        trainer = Trainer(PCNetwork((64, 40, 10)), batch_size=16, threads=4)
        seen: list[int] = []
        if team is not None:
            trainer.team = team(seen)
        trainer.fit(train, epochs=3)
        return trainer.network.parameters.tobytes(), seen

    class Restless:
        trying = True
        threads = 4

        def __init__(self, seen: list[int]) -> None:
            self.seen = seen

        def record(self, samples: int, seconds: float, processor_seconds: float) -> None:
            self.seen.append(self.threads)
            self.threads = (1, 3, 2, 4)[len(self.seen) % 4]

    plain, _ = learned(None)
    changed, seen = learned(Restless)
    assert {1, 2, 3, 4} <= set(seen)
    assert changed == plain
