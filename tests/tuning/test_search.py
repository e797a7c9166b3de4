"""A search in a program: the same trials from the same seed, of the training set alone."""

import numpy as np
import pytest

import fastpc
from fastpc import ConfigurationError, DataError, DependencyError, load_digits
from fastpc.tuning import Search, space_of, tune

optuna = pytest.importorskip("optuna")

SMALL = {"rule": "pc", "width": "8:16", "epochs": 2, "threads": 1, "trials": 6}


@pytest.fixture(scope="module")
def digits():
    return load_digits()[0].take(np.arange(600))


def told(found):
    return [(row.number, row.outcome, row.accuracy, row.epochs, row.settings) for row in found.trials]


def test_one_worker_makes_the_same_trials_from_the_same_seed(digits, tmp_path):
    one, again, other = (
        tune(digits, out=tmp_path / name, seed=seed, **SMALL) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert told(one) == told(again) != told(other)
    assert [row.number for row in one.trials] == list(range(6))


def test_the_best_trial_s_settings_reproduce_its_accuracy(digits, tmp_path):
    found = fastpc.tune(digits, out=tmp_path, **SMALL)
    train, held_out = digits.split(0.1, 0)
    search = Search(space_of(None, {}, {}), digits, out=tmp_path / "other")
    trainer = search.trainer(found.best)
    trainer.fit(train, epochs=found.best.epochs)
    assert trainer.evaluate(held_out).accuracy == found.best_trial.accuracy
    assert found.best_trial.accuracy == max(row.accuracy for row in found.trials if row.accuracy is not None)


def test_the_test_set_is_not_even_read(tmp_path):
    train, test = load_digits()
    arrays = {"x_train": train.inputs, "y_train": train.targets, "x_test": test.inputs, "y_test": test.targets}
    sources = {
        "as it is": arrays,
        "other labels": arrays | {"y_test": np.random.default_rng(0).permutation(test.targets)},
        "neither": {name: array for name, array in arrays.items() if not name.endswith("test")},
    }
    results = []
    for name, held in sources.items():
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "mnist.npz", **held)
        results.append(told(tune(str(tmp_path / name), out=tmp_path / name, **SMALL | {"trials": 4})))
    assert all(result == results[0] for result in results[1:])


def test_a_finished_study_is_told_and_not_trained_again(digits, tmp_path):
    first = tune(digits, out=tmp_path, **SMALL)
    seconds = [row.seconds for row in first.trials]
    again = tune(digits, out=tmp_path, **SMALL)
    assert [row.seconds for row in again.trials] == seconds
    more = tune(digits, out=tmp_path, **SMALL | {"trials": 8})
    assert [row.seconds for row in more.trials][:6] == seconds
    assert len(more.trials) == 8


def test_other_data_are_another_search(digits, tmp_path):
    tune(digits, out=tmp_path, **SMALL | {"trials": 1})
    with pytest.raises(ConfigurationError, match="expected the search that study 'fastpc' was begun with, data"):
        tune(digits.take(np.arange(500)), out=tmp_path, **SMALL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trials": 0}, "--trials to be a whole number from 1"),
        ({"jobs": 0}, "--jobs to be a whole number from 1"),
        ({"seed": -1}, "--seed to be a whole number from 0"),
        ({"validation": 1.0}, "--validation to be a number above 0 and below 1"),
        ({"timeout": 0.0}, "--timeout to be a number above 0"),
        ({"pruner": "mean"}, "expected --pruner to be one of"),
        ({"threads": 0}, "expected threads to be a whole number"),
        ({"study": ""}, "expected --study to be a name"),
        ({"rate": 1}, "expected settings to be one of"),
    ],
)
def test_wrong_use_is_one_sentence(digits, tmp_path, changes, reason):
    with pytest.raises(ConfigurationError, match=reason):
        tune(digits, out=tmp_path, **SMALL | changes)
    assert not list(tmp_path.iterdir())


def test_targets_that_are_no_labels_are_refused(tmp_path):
    with pytest.raises(DataError, match="expected labels to search by their recognition"):
        tune((np.ones((9, 2)), np.ones((9, 3))), out=tmp_path, **SMALL)


def test_without_optuna_one_sentence_says_what_to_install(digits, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(DependencyError, match=r"^expected optuna for searches, got none .*; install fastpc\[tune\]$"):
        tune(digits, out=tmp_path, **SMALL)
