"""Classifying: labels of every kind, weights of samples and of classes."""

from typing import Any

import numpy as np
import pytest

from fastpc import PC, PCClassifier, load_digits
from fastpc.errors import ConfigurationError, DataError
from fastpc.estimators.settings import RULES

from .samples import QUICK, blobs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("rule", [*RULES, PC(4, solver="errors")])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_every_rule_learns(rule: Any, loss: str) -> None:
    x, y = blobs()
    test = blobs(seed=1)
    assert PCClassifier(**QUICK, rule=rule, loss=loss).fit(x, y).score(*test) > 0.85


def test_it_learns_the_digits() -> None:
    (train, test) = load_digits()
    x, y = np.asarray(train.inputs) / np.float32(16), train.targets
    classifier = PCClassifier((64,), max_iter=20, random_state=0).fit(x, y)
    assert classifier.score(np.asarray(test.inputs) / np.float32(16), test.targets) > 0.93


@pytest.mark.parametrize("names", [("cat", "dog", "eel"), (-3, 5, 100), (0.5, 1.5, 9.0), (np.str_("x"), "y", "z")])
def test_labels_of_any_kind_come_back(names: Any) -> None:
    x, y = blobs()
    labels = np.array(names)[y] if not isinstance(names[0], float) else np.array(names).astype(str)[y]
    classifier = PCClassifier(**QUICK).fit(x, labels)
    plain = PCClassifier(**QUICK).fit(x, np.searchsorted(classifier.classes_, labels))
    assert classifier.classes_.tolist() == sorted(set(labels.tolist()))
    assert np.array_equal(classifier.predict(x), classifier.classes_[plain.predict(x)])


def test_probabilities_are_those_of_the_outputs() -> None:
    x, y = blobs()
    classifier = PCClassifier(**QUICK).fit(x, y)
    probabilities = classifier.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert np.array_equal(classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(x))
    np.testing.assert_allclose(classifier.predict_log_proba(x), np.log(probabilities), rtol=1e-9)
    classifier.network_.parameters[:] *= 1e3
    assert np.isfinite(classifier.predict_log_proba(x)).all()


def test_in_one_batch_whole_weights_are_repetitions_to_the_same_epoch() -> None:
    x, y = blobs(60)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    settings = QUICK | {"max_iter": 300, "tol": 1e-3, "alpha": 0.1}
    weighted = PCClassifier(**settings).fit(x, y, sample_weight=weights)
    repeated = PCClassifier(**settings).fit(x.repeat(weights, axis=0), y.repeat(weights))
    assert weighted.n_iter_ == repeated.n_iter_ < 300
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(weighted.predict_proba(x), repeated.predict_proba(x), rtol=1e-6, atol=1e-9)
    assert not np.allclose(PCClassifier(**settings).fit(x, y).predict_proba(x), weighted.predict_proba(x), rtol=1e-2)


def test_class_weights_multiply_the_samples() -> None:
    x, y = blobs(60)
    weights = np.random.default_rng(0).uniform(0.5, 2, 60)
    by_class = {0: 3.0, 1: 1.0, 2: 0.5}
    own = np.array([by_class[label] for label in y])
    ours = PCClassifier(**QUICK, class_weight=by_class).fit(x, y, weights)
    assert np.array_equal(ours.coefs_[0], PCClassifier(**QUICK).fit(x, y, weights * own).coefs_[0])


def test_balanced_classes_outweigh_how_rare_they_are() -> None:
    rng = np.random.default_rng(0)
    y = (np.arange(300) < 15).astype(int)  # one in twenty
    x = rng.normal(size=(300, 2)) + 1.2 * y[:, None]
    plain, balanced = (PCClassifier(**QUICK, class_weight=weight).fit(x, y) for weight in (None, "balanced"))
    assert balanced.predict(x)[y == 1].mean() > plain.predict(x)[y == 1].mean() + 0.2
    with pytest.raises(
        ConfigurationError, match=r'expected class_weight to be a dict or None in partial_fit.*"balanced"'
    ):
        PCClassifier(class_weight="balanced").partial_fit(x, y, [0, 1])


def test_partial_fit_knows_its_classes_from_the_first_call_on() -> None:
    x, y = blobs()
    classifier = PCClassifier(**QUICK)
    with pytest.raises(DataError, match="expected classes at the first call of partial_fit, got None"):
        classifier.partial_fit(x, y)
    classifier.partial_fit(x[y < 2], y[y < 2], classes=[2, 1, 0])
    assert classifier.classes_.tolist() == [0, 1, 2]
    for _ in range(60):
        classifier.partial_fit(x, y)
    assert classifier.score(x, y) > 0.9
    with pytest.raises(DataError, match=r"expected labels among the classes \[0 1 2\], got \[3\]"):
        classifier.partial_fit(x, y + 1)
    with pytest.raises(DataError, match="expected the classes of the last call"):
        classifier.partial_fit(x, y, classes=[0, 1])


def test_a_warm_start_wants_the_same_classes() -> None:
    x, y = blobs()
    classifier = PCClassifier(**QUICK, warm_start=True).fit(x, y)
    with pytest.raises(DataError, match="set warm_start=False"):
        classifier.fit(x, y + 1)


def test_one_class_is_always_predicted() -> None:
    x, _ = blobs(10)
    assert PCClassifier(**QUICK).fit(x, ["only"] * 10).predict(x).tolist() == ["only"] * 10
