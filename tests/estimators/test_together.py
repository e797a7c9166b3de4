"""With the rest of scikit-learn: pipelines, searches, worker processes, routing, pandas."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastpc import PC, PCClassifier, PCRegressor, PCTransformer

from .samples import QUICK, blobs, curve

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_a_pipeline_of_transformer_and_classifier() -> None:
    x, y = blobs()
    pipeline = make_pipeline(StandardScaler(), PCTransformer(4, **QUICK | {"max_iter": 100}), PCClassifier(**QUICK))
    assert pipeline.fit(x, y).score(*blobs(seed=1)) > 0.8


def test_cross_validation() -> None:
    scores = cross_val_score(PCClassifier(**QUICK), *blobs(), cv=3)
    assert scores.min() > 0.8


def test_targets_may_be_scaled_around_it() -> None:
    x, y = curve()
    regressor = TransformedTargetRegressor(PCRegressor(**QUICK), transformer=StandardScaler())
    assert regressor.fit(x, 1e4 + 1e3 * y[:, 0]).score(x, 1e4 + 1e3 * y[:, 0]) > 0.8


def test_a_clone_has_the_parameters_and_nothing_else() -> None:
    original = PCClassifier(**QUICK, rule=PC(4), class_weight={0: 2.0}).fit(*blobs())
    twin = clone(original)
    assert twin.get_params() == original.get_params()
    assert not hasattr(twin, "network_")
    assert twin.set_params(rule="ipc", steps=2).get_params()["steps"] == 2


SEARCH = """
import os
from sklearn.model_selection import GridSearchCV
from fastpc import PC, PCClassifier
from fastpc.engine.threads import choose_threads
from tests.estimators.samples import QUICK, blobs

def threads(estimator, x, y):
    return choose_threads(None) + 1000 * (os.getpid() != {parent})

# A thread where work is shared: every fit asks for as many as it may have.
search = GridSearchCV(
    PCClassifier(**QUICK | {{"max_iter": 2}}, threads=4), {{"steps": [2, 3], "rule": ["pc", "epc"]}},
    scoring=threads, cv=2, n_jobs=2, refit=False, error_score="raise",
)
print(int(search.fit(*blobs()).cv_results_["mean_test_score"].max()))
"""


def test_worker_processes_share_the_cores_and_do_not_crash() -> None:
    program = SEARCH.format(parent=0)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    cores = len(os.sched_getaffinity(0))
    assert 1001 <= int(done.stdout) <= 1000 + max(1, cores // 2)


def test_a_grid_search_finds_the_better_setting() -> None:
    search = GridSearchCV(PCClassifier(**QUICK), {"max_iter": [1, 40], "hidden_layer_sizes": [(12,)]}, cv=3, n_jobs=2)
    assert search.fit(*blobs()).best_params_["max_iter"] == 40


def test_weights_are_routed_to_where_they_are_requested() -> None:
    x, y = blobs()
    weights = np.random.default_rng(0).uniform(0, 2, len(x))
    with config_context(enable_metadata_routing=True):
        classifier = PCClassifier(**QUICK).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), classifier)
        routed = pipeline.fit(x, y, sample_weight=weights)[-1]
        found = cross_validate(classifier, x, y, cv=2, params={"sample_weight": weights}, error_score="raise")
    direct = PCClassifier(**QUICK).fit(StandardScaler().fit_transform(x), y, weights)
    assert np.array_equal(routed.coefs_[0], direct.coefs_[0])
    assert found["test_score"].min() > 0.8


def test_columns_have_names_that_must_stay() -> None:
    pandas: Any = pytest.importorskip("pandas")
    x, y = blobs()
    frame = pandas.DataFrame(x, columns=list("abcd"))
    labels = pandas.Series(np.array(["u", "v", "w"])[y])
    classifier = PCClassifier(**QUICK).fit(frame, labels, sample_weight=pandas.Series(np.ones(len(x))))
    assert classifier.feature_names_in_.tolist() == list("abcd")
    assert set(classifier.predict(frame)) == {"u", "v", "w"}
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame[["b", "a", "c", "d"]])
    transformer = PCTransformer(**QUICK, n_components=2).set_output(transform="pandas").fit(frame)
    assert transformer.transform(frame).columns.tolist() == ["pctransformer0", "pctransformer1"]
