"""PCRegressor: predictive coding as a regressor of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import column_or_1d

from fastpc.data import Dataset
from fastpc.estimators.base import PCEstimator
from fastpc.estimators.settings import clamped_rule
from fastpc.estimators.streams import arrays_of
from fastpc.rules import Rule


class PCRegressor(RegressorMixin, PCEstimator):
    """A predictive coding network as a regressor of scikit-learn: squared error, one target or several.

    Parameters
    ----------
    hidden_layer_sizes, activation, rule, steps, step_size, solver, alpha, batch_size, learning_rate
        As `PCClassifier`'s.
    learning_rate_init, max_iter, random_state, tol, verbose, warm_start, momentum, early_stopping
        As `PCClassifier`'s; early stopping goes by R².
    validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, threads
        As `PCClassifier`'s.

    Attributes
    ----------
    n_outputs_ : int
        Targets of a sample.
    network_, coefs_, intercepts_, n_iter_, loss_curve_, loss_, best_loss_
        As `PCClassifier`'s.
    validation_scores_, best_validation_score_, n_features_in_, feature_names_in_
        As `PCClassifier`'s.

    Notes
    -----
    Targets are learned as they are: where they are large or small, `sklearn.compose.TransformedTargetRegressor` with a
    StandardScaler serves.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> PCRegressor:
        """Train on X (N, features), dense or CSR, and targets y (N,) or (N, outputs); or on a tf.data.Dataset of both.

        Raises
        ------
        ValueError
            If data or parameters cannot be used.
        DivergenceError
            If training leaves the finite numbers.
        """
        return self._learn(X, y, sample_weight, incremental=False)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> PCRegressor:
        """Train one epoch on X and y, going on from the last call."""
        return self._learn(X, y, sample_weight, incremental=True)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return R² on X and y, or on a tf.data.Dataset of both."""
        return float(super().score(*arrays_of(X, y), sample_weight))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the targets predicted, of shape (N,) for a single one, else (N, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _learn(self, X: Any, y: Any, sample_weight: ArrayLike | None, incremental: bool) -> PCRegressor:
        X, y = self._checked(X, y=y, reset=self._starts_anew(incremental), multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        targets = y.reshape(len(y), -1).astype(X.dtype)
        self.n_outputs_ = targets.shape[1]
        data = Dataset(X, targets, sample_weight=sample_weight)  # type: ignore[arg-type]
        self._train(data, (X.shape[1], self.n_outputs_), "squared_error", incremental)
        return self

    def _make_rule(self, n_layers: int) -> Rule:
        return clamped_rule(self.rule, self.steps, self.step_size, n_layers)

    def _score_held_out(self, data: Dataset) -> float:
        outputs = self.network_.forward(data, threads=self._threads_for(len(data)))
        return float(r2_score(np.asarray(data.targets), outputs, sample_weight=data.sample_weight))
