"""scikit-learn's own checks of estimators: all pass, none is expected to fail."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastpc import PCClassifier, PCRegressor, PCTransformer

# Some checks allow few iterations, and some look at data of too few kinds to converge on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]


@parametrize_with_checks([PCClassifier(), PCRegressor(), PCTransformer()])
def test_what_scikit_learn_expects_of_estimators(estimator: Any, check: Any) -> None:
    check(estimator)
