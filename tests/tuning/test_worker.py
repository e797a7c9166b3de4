"""A worker's trials: pruned, diverged, interrupted, or trained to their end."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from fastpc import load_digits
from fastpc.tuning import Pruning, Search, space_of
from fastpc.tuning.results import row_of
from fastpc.tuning.study import quietly
from fastpc.tuning.worker import work

optuna = pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def digits():
    return load_digits()[0].take(np.arange(600))


@pytest.fixture(autouse=True)
def quiet():
    with quietly():
        yield


def search_of(digits, folder, texts, trials=8, epochs=3, **more):
    space = space_of(None, {"rule": "pc"} | texts, {"hidden": (16,), "epochs": epochs}, next(iter(texts)))
    return Search(space, digits, trials, folder, threads=1, **more)


class TestPruning:
    """The callback of a trainer that asks a study's pruner."""

    def study(self):
        study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=2), direction="maximize")
        for _ in range(2):
            trial = study.ask()
            for epoch in range(3):
                trial.report(0.9, epoch)
            study.tell(trial, 0.9)
        return study

    def epoch(self, callback, epoch, accuracy):
        callback.on_epoch_end(None, SimpleNamespace(epoch=epoch, validation_accuracy=accuracy))

    def test_a_trial_below_the_others_median_is_ended(self):
        callback = Pruning(self.study().ask(), 3)
        with pytest.raises(optuna.TrialPruned):
            self.epoch(callback, 1, 0.8)

    def test_a_trial_above_it_is_not(self):
        trial = self.study().ask()
        callback = Pruning(trial, 3)
        for epoch in (1, 2, 3):
            self.epoch(callback, epoch, 0.95)
        assert trial.study.trials[-1].intermediate_values == {0: 0.95, 1: 0.95, 2: 0.95}

    def test_after_the_last_epoch_there_is_nothing_to_save(self):
        self.epoch(Pruning(self.study().ask(), 1), 1, 0.1)

    def test_what_an_earlier_life_reported_is_not_reported_again(self):
        trial = self.study().ask()
        self.epoch(Pruning(trial, 3), 1, 0.95)
        again = Pruning(trial, 3)
        self.epoch(again, 1, 0.95)
        self.epoch(again, 2, 0.96)
        assert trial.study.trials[-1].intermediate_values == {0: 0.95, 1: 0.96}


@pytest.mark.parametrize("pruner", ["median", "halving", "none"])
def test_a_pruner_ends_trials_that_fall_behind_and_no_others(digits, tmp_path, pruner):
    search = search_of(digits, tmp_path, {"lr": "0.01,0.0000001"}, trials=16, epochs=4, pruner=pruner)
    rows = search.run().trials
    pruned = [row for row in rows if row.outcome == "pruned"]
    assert bool(pruned) == (pruner != "none")
    assert all(row.settings["lr"] == 0.0000001 and 0 < len(row.epochs) < 4 and row.accuracy is None for row in pruned)
    complete = [row for row in rows if row.outcome == "complete"]
    assert len(pruned) + len(complete) == 16
    assert all(row.accuracy == row.epochs[3] and len(row.epochs) == 4 for row in complete)
    assert search.result().best_trial.settings["lr"] == 0.01


def test_trials_that_diverge_say_why_and_the_search_goes_on(digits, tmp_path):
    search = search_of(digits, tmp_path, {"step_size": "0.05,500"})
    found = search.run()
    diverged = [row for row in found.trials if row.settings["step_size"] == 500]
    assert diverged
    assert all(row.outcome == "diverged" and "training diverged in epoch 1" in row.reason for row in diverged)
    assert found.counts["complete"] == 8 - len(diverged)
    assert found.best.step_size == 0.05


def test_trials_that_fail_say_why_and_the_search_goes_on(digits, tmp_path):
    class Full:
        def on_fit_begin(self, trainer):
            if trainer.optimizer.learning_rate == 0.002:
                raise MemoryError

    found = search_of(digits, tmp_path, {"lr": "0.001,0.002"}).run(callbacks=[Full()])
    assert {(row.settings["lr"], row.outcome, row.reason) for row in found.trials} == {
        (0.001, "complete", ""),
        (0.002, "failed", "out of memory"),
    }


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, ZeroDivisionError])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(digits, tmp_path, end):
    texts = {"lr": "0.0001:0.01", "batch_size": "16,32"}
    expected = search_of(digits, tmp_path / "whole", texts).run()

    class Interruption:
        epochs = 0

        def on_epoch_end(self, trainer, record):
            self.epochs += 1
            if self.epochs == 11:
                raise end

    search = search_of(digits, tmp_path / "parts", texts)
    with pytest.raises(end):
        search.run(callbacks=[Interruption()])
    begun = search.result()
    assert 0 < sum(row.finished for row in begun.trials) < 8
    assert "running" not in begun.counts
    found = search.run()
    assert [(row.number, row.outcome, row.accuracy, row.epochs, row.settings) for row in found.trials] == [
        (row.number, row.outcome, row.accuracy, row.epochs, row.settings) for row in expected.trials
    ]


def test_no_trial_begins_after_the_time_that_is_given(digits, tmp_path):
    search = search_of(digits, tmp_path, {"lr": "0.001:0.01"}, trials=1000, timeout=0.5)
    begin = time.monotonic()
    found = search.run()
    assert time.monotonic() - begin < 20
    assert 0 < len(found.trials) == found.done < found.asked == 1000


def test_a_worker_that_nobody_waits_for_ends(digits, tmp_path):
    search = search_of(digits, tmp_path, {"lr": "0.001:0.01"})
    study = search.open()
    turns = iter([False, False, True])
    work(study, search.space, search.parts, 0, 1, until=None, abandoned=lambda: next(turns))
    assert [row_of(trial).outcome for trial in study.all_trials()].count("complete") == 2
