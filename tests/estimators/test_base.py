"""What all estimators share: going on, stopping early, random states, data of all forms."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from fastpc import PC, PCClassifier, PCRegressor, PCTransformer
from fastpc.errors import ConfigurationError

from .samples import QUICK, blobs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ALL = (PCClassifier, PCRegressor, PCTransformer)


def parameters(estimator: Any) -> Any:
    return estimator.network_.parameters


@pytest.mark.parametrize("kind", ALL)
def test_the_random_state_decides_everything(kind: Any) -> None:
    x, y = blobs()
    first, again, other = (kind(**QUICK | {"random_state": seed}).fit(x, y) for seed in (1, 1, 2))
    assert np.array_equal(parameters(first), parameters(again))
    assert not np.array_equal(parameters(first), parameters(other))
    state = np.random.RandomState(0)
    ones = [parameters(kind(**QUICK | {"random_state": state}).fit(x, y)) for _ in range(2)]
    assert not np.array_equal(*ones)


@pytest.mark.parametrize("kind", ALL)
def test_sparse_inputs_give_the_same_bits_as_dense_ones(kind: Any) -> None:
    x, y = blobs()
    x[x < 1] = 0
    dense, csr = kind(**QUICK).fit(x, y), kind(**QUICK).fit(sparse.csr_array(x), y)
    assert np.array_equal(parameters(dense), parameters(csr))
    ask = "transform" if kind is PCTransformer else "predict"
    assert np.array_equal(getattr(dense, ask)(x), getattr(csr, ask)(sparse.csr_matrix(x)))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("given", "kept"), [(np.float32, "float32"), (np.float64, "float64"), (np.int64, "float64")])
def test_float32_stays_and_everything_else_is_float64(kind: Any, given: Any, kept: str) -> None:
    x, y = blobs()
    estimator = kind(**QUICK | {"max_iter": 2}).fit(x.round().astype(given), y)
    assert estimator.network_.dtype == kept


@pytest.mark.parametrize("kind", ALL)
def test_calls_of_partial_fit_are_epochs_of_one_fit(kind: Any) -> None:
    x, y = blobs()
    # A step that is found anew from the weights differs in its last bits with where the search begins.
    whole = kind(**QUICK | {"max_iter": 3}, step_size=0.05).fit(x, y)
    parts = kind(**QUICK, step_size=0.05)
    for _ in range(3):
        parts.partial_fit(x, y, **({"classes": [0, 1, 2]} if kind is PCClassifier else {}))
        parts = pickle.loads(pickle.dumps(parts))  # the optimiser's memory goes along
    assert np.array_equal(parameters(whole), parameters(parts))
    assert parts.n_iter_ == len(parts.loss_curve_) == 3
    assert parts.loss_curve_ == whole.loss_curve_


@pytest.mark.parametrize("kind", ALL)
def test_a_warm_start_goes_on_from_the_parameters(kind: Any) -> None:
    x, y = blobs()
    cold, warm = kind(**QUICK), kind(**QUICK, warm_start=True)
    assert np.array_equal(parameters(cold.fit(x, y)), parameters(warm.fit(x, y)))
    before = warm.loss_
    assert warm.fit(x, y).loss_curve_[0] < cold.loss_curve_[0]
    assert warm.loss_ < before
    assert np.array_equal(parameters(cold), parameters(cold.fit(x, y)))
    with pytest.raises(ConfigurationError, match=r"expected layers of sizes .*, got .*; set warm_start=False"):
        warm.set_params(hidden_layer_sizes=(5,)).fit(x, y)


@pytest.mark.parametrize("kind", ALL)
def test_early_stopping_keeps_the_parameters_that_scored_best_on_what_it_held_out(kind: Any) -> None:
    x, y = blobs()
    estimator = kind(**QUICK | {"max_iter": 300}, early_stopping=True, n_iter_no_change=3).fit(x, y)
    scores = estimator.validation_scores_
    assert len(scores) == estimator.n_iter_ < 300
    assert estimator.best_validation_score_ == max(scores)
    epochs = int(np.argmax(scores)) + 1
    again = clone(estimator).set_params(max_iter=epochs).fit(x, y)
    assert np.array_equal(parameters(estimator), parameters(again))


def test_what_was_held_out_teaches_nothing() -> None:
    x, y = blobs()
    estimator = PCClassifier(**QUICK, early_stopping=True, validation_fraction=0.25)
    taught = estimator.fit(x, y).network_.parameters.copy()
    held_out = x.copy()
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state

    random = check_random_state(0)
    random.randint(np.iinfo(np.int32).max)  # the network's seed comes first
    _, rows = train_test_split(np.arange(len(x)), test_size=0.25, stratify=y, random_state=random)
    held_out[rows] += 1e-9  # too little for another score, enough for other bits
    assert np.array_equal(taught, estimator.fit(held_out, y).network_.parameters)
    held_out[0 if 0 not in rows else next(i for i in range(len(x)) if i not in rows)] += 1e-9
    assert not np.array_equal(taught, estimator.fit(held_out, y).network_.parameters)


@pytest.mark.parametrize("kind", ALL)
def test_training_that_has_not_converged_warns(kind: Any) -> None:
    x, y = blobs()
    with pytest.warns(ConvergenceWarning, match=f"{kind.__name__}: training had not converged after max_iter=2"):
        kind(max_iter=2).fit(x, y)


@pytest.mark.parametrize("kind", ALL)
def test_a_small_energy_change_ends_training(kind: Any) -> None:
    x, y = blobs()
    estimator = kind(**QUICK | {"max_iter": 500}, tol=0.01, n_iter_no_change=4).fit(x, y)
    assert 5 < estimator.n_iter_ < 500
    assert estimator.loss_ == estimator.loss_curve_[-1] < estimator.loss_curve_[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_iter": 0}, {"tol": -1}, {"alpha": -0.1}, {"validation_fraction": 1.0}, {"n_iter_no_change": 0},
        {"hidden_layer_sizes": 0}, {"activation": "step"}, {"batch_size": 0}, {"solver": "lbfgs"}, {"rule": "hebb"},
        {"learning_rate": "adaptive"}, {"learning_rate_init": 0}, {"steps": -1}, {"step_size": 0}, {"threads": 0},
        {"beta_1": 1.0},
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ALL)
def test_wrong_parameters_are_refused_at_fit_in_one_sentence(kind: Any, wrong: dict[str, Any]) -> None:
    x, y = blobs(20)
    with pytest.raises(ValueError, match=r"expected .*, got .*; ") as caught:
        kind(**wrong).fit(x, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ALL)
def test_partial_fit_holds_nothing_out(kind: Any) -> None:
    x, y = blobs(20)
    with pytest.raises(ConfigurationError, match="expected early_stopping=False with partial_fit"):
        kind(early_stopping=True).partial_fit(x, y, **({"classes": [0, 1, 2]} if kind is PCClassifier else {}))


def test_weights_written_between_calls_of_partial_fit_are_kept() -> None:
    x, y = blobs()
    estimator = PCRegressor(**QUICK).partial_fit(x, y)
    estimator.coefs_[0][:] = 0
    estimator.partial_fit(x, y)
    assert np.abs(estimator.coefs_[0]).max() < 0.1  # one epoch from zero, not from where the last one ended


def test_another_rule_forgets_the_optimizer_s_memory() -> None:
    x, y = blobs()
    estimator = PCRegressor(**QUICK).partial_fit(x, y)
    network = pickle.loads(pickle.dumps(estimator.network_))
    estimator.set_params(rule=PC(2, 0.1)).partial_fit(x, y)
    fresh = PCRegressor(**QUICK | {"rule": PC(2, 0.1), "max_iter": 1, "warm_start": True}).fit(x, y)
    fresh.network_.parameters[:] = network.parameters
    assert np.array_equal(parameters(estimator), parameters(fresh.fit(x, y)))


def test_nothing_works_before_fit() -> None:
    x, _ = blobs(5)
    for ask in (PCClassifier().predict, PCRegressor().predict, PCTransformer().transform):
        with pytest.raises(NotFittedError):
            ask(x)
