"""A study that workers share: each trial is one worker's, and none is lost with it."""

import os
import subprocess
import sys
import threading
import time

import pytest

from fastpc import ConfigurationError
from fastpc.tuning import study as study_module
from fastpc.tuning.results import row_of
from fastpc.tuning.study import MOST_LIVES, SharedStudy, quietly

optuna = pytest.importorskip("optuna")


@pytest.fixture(autouse=True)
def quiet():
    with quietly():
        yield


@pytest.fixture
def opened(tmp_path):
    """Open a study in a folder, as each of its workers does."""

    def open_it(trials=4, *, described=None, seed=0, name="it"):
        url = f"sqlite:///{tmp_path / 'study.db'}"
        return SharedStudy(
            url, name, trials, seed=seed, pruner="none", described=described or {"a": 1}, start={"x": 0.5}
        )

    return open_it


def rows(study):
    return [row_of(trial) for trial in study.all_trials()]


def a_dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_there_are_as_many_trials_as_were_asked_for_of_all_workers(opened):
    workers = [opened(9) for _ in range(3)]
    taken: list[int] = []

    def work(study):
        while (trial := study.claim()) is not None:
            taken.append(trial.number)
            study.finish(trial, trial.suggest_float("x", 0, 1))

    threads = [threading.Thread(target=work, args=(study,)) for study in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(9))
    assert [row.outcome for row in rows(opened(9))] == ["complete"] * 9


def test_more_can_be_asked_for_later_and_fewer_take_none_away(opened):
    study = opened(2)
    while (trial := study.claim()) is not None:
        study.finish(trial, 0.5)
    assert opened(1).claim() is None
    assert len(opened(1).all_trials()) == 1
    more = opened(5)
    assert [more.claim().number for _ in range(3)] == [2, 3, 4]
    assert more.claim() is None
    assert [row.outcome for row in rows(more)] == ["complete"] * 2 + ["running"] * 3


def test_the_first_trial_begins_where_it_is_told_to(opened):
    study = opened()
    assert study.claim().suggest_float("x", 0, 1) == 0.5
    assert study.claim().suggest_float("x", 0, 1) != 0.5


def test_what_a_trial_draws_depends_on_seed_and_number_alone(opened):
    first, other = opened(name="first"), opened(name="other")
    opened(name="third", seed=1)
    numbers = []
    for study in (first, other, opened(name="third", seed=1)):
        study.claim()
        numbers.append(study.claim().suggest_float("x", 0, 1))
    assert numbers[0] == numbers[1] != numbers[2]


def test_a_trial_that_is_given_back_is_drawn_no_second_time(opened):
    study = opened()
    study.claim()
    trial = study.claim()
    x = trial.suggest_float("x", 0, 1)
    study.give_back(trial)
    again = opened().claim()
    assert again.number == trial.number
    assert again.suggest_float("x", 0, 1) == x
    assert again.user_attrs["lives"] == 1


def test_a_trial_whose_worker_died_here_is_taken_at_once(opened):
    dead = opened()
    dead.worker = f"{dead.worker.rpartition(':')[0]}:{a_dead_process()}"
    lost = dead.claim()
    x = lost.suggest_float("x", 0, 1)
    found = opened().claim()
    assert (found.number, found.suggest_float("x", 0, 1)) == (lost.number, x)
    assert found.user_attrs["lives"] == 2


def test_a_trial_whose_worker_lives_is_left_to_it(opened):
    for worker in (f"{opened().worker.rpartition(':')[0]}:{os.getppid()}", "elsewhere:1"):
        study = opened()
        study.worker = worker
        number = study.claim().number
        assert opened().claim().number != number


def test_a_trial_without_signs_of_life_is_taken_after_a_while(opened, monkeypatch):
    monkeypatch.setattr(study_module, "BEAT", 1)
    monkeypatch.setattr(study_module, "GRACE", 2)
    study = opened(2)
    study.worker = "elsewhere:1"
    silent, alive = study.claim(), study.claim()
    here = opened(2)
    with study.alive(alive):
        end = time.monotonic() + 10
        while (found := here.claim()) is None:
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(1)
        assert found.number == silent.number
        assert here.claim() is None


def test_a_trial_that_takes_its_workers_with_it_is_given_up(opened):
    for life in range(MOST_LIVES):
        study = opened(1)
        study.worker = f"{study.worker.rpartition(':')[0]}:{a_dead_process()}"
        assert study.claim().user_attrs["lives"] == life + 1
    study = opened(1)
    assert study.claim() is None
    (row,) = rows(study)
    assert row.outcome == "failed"
    assert row.reason == f"{MOST_LIVES} workers died of it"


def test_two_that_finish_the_same_trial_leave_the_first_one_s_result(opened):
    study = opened(1)
    trial = study.claim()
    study.release(trial.number)  # taken for dead
    other = opened(1)
    other.finish(other.claim(), 0.75)
    study.finish(trial, 0.25)
    assert [row.accuracy for row in rows(study)] == [0.75]
    study.release(trial.number)
    assert study.claim() is None


def test_a_study_of_another_search_is_refused(opened):
    opened(described={"settings": {"lr": 1, "steps": 2}})
    opened(described={"settings": {"lr": 1, "steps": 2}})
    with pytest.raises(ConfigurationError, match=r"study 'it' was begun with, steps 2, got 3; give the same"):
        opened(described={"settings": {"lr": 1, "steps": 3}})
    opened(described={"settings": {"lr": 1, "steps": 3}}, name="another")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/study.db", "nosql://host/name", "oracle://h/n"])
def test_a_database_that_cannot_be_opened_is_told_in_a_sentence(url, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(ConfigurationError, match=r"^expected --storage to be the URL of a database .*; write it like"):
        SharedStudy(url, "it", 1, seed=0, pruner="none", described={}, start={})


def test_a_file_that_is_no_database_is_told_in_a_sentence(tmp_path):
    (tmp_path / "study.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"not a database"):
        SharedStudy(f"sqlite:///{tmp_path / 'study.db'}", "it", 1, seed=0, pruner="none", described={}, start={})
