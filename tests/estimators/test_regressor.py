"""Regression: one target or several."""

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from fastpc import PCRegressor

from .samples import QUICK, curve

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
LONGER = QUICK | {"hidden_layer_sizes": (24,), "max_iter": 150}


def test_it_learns_several_targets_at_once_and_one_alone() -> None:
    x, y = curve()
    test_x, test_y = curve(seed=1)
    both = PCRegressor(**LONGER, activation="tanh").fit(x, y)
    assert both.n_outputs_ == 2
    assert both.predict(x).shape == (120, 2)
    assert both.score(test_x, test_y) > 0.9
    one = PCRegressor(**LONGER, activation="tanh").fit(x, y[:, 0])
    assert one.predict(x).shape == (120,)
    assert one.score(test_x, test_y[:, 0]) > 0.9


def test_a_single_column_is_a_single_target_with_a_warning() -> None:
    x, y = curve(30)
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        column = PCRegressor(**QUICK).fit(x, y[:, :1])
    assert np.array_equal(column.predict(x), PCRegressor(**QUICK).fit(x, y[:, 0]).predict(x))


def test_in_one_batch_whole_weights_are_repetitions() -> None:
    x, y = curve(60)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    weighted = PCRegressor(**QUICK).fit(x, y, sample_weight=weights)
    repeated = PCRegressor(**QUICK).fit(x.repeat(weights, axis=0), y.repeat(weights, axis=0))
    np.testing.assert_allclose(weighted.predict(x), repeated.predict(x), rtol=1e-6, atol=1e-9)


def test_whole_targets_are_numbers_and_no_classes() -> None:
    x, _ = curve(40)
    regressor = PCRegressor(**LONGER).fit(x, (2 * x[:, 0]).round().astype(int))
    assert regressor.network_.sizes[-1] == 1
    assert len(np.unique(regressor.predict(x))) == 40
