"""PCTransformer: unsupervised predictive coding as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from fastpc.data import Dataset
from fastpc.errors import DataError
from fastpc.estimators.base import PCEstimator
from fastpc.estimators.settings import unsupervised_rule
from fastpc.generative import dense_images
from fastpc.rules import Unsupervised


class PCTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, PCEstimator):
    """Unsupervised predictive coding as a transformer of scikit-learn: latents as features.

    The network predicts each sample from latents of its own, which are free but for a Gaussian prior. `transform`
    relaxes them with the sample clamped; `inverse_transform` runs forward from them, a reconstruction.

    Parameters
    ----------
    n_components : int
        How many latents.
    hidden_layer_sizes, activation
        As `PCClassifier`'s, between the latents and the features.
    rule : "unsupervised" or Unsupervised
        With an object, `steps`, `step_size` and `prior` are its own.
    steps : int, optional
        Relaxation steps a batch, 50 by default.
    step_size : float or "auto", optional
        "auto" by default.
    prior : float, optional
        The precision of the latents' prior, 1 by default.
    solver, alpha, batch_size, learning_rate, learning_rate_init, max_iter, random_state, tol, verbose, warm_start
        As `PCClassifier`'s.
    momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, threads
        As `PCClassifier`'s; early stopping goes by the mean squared error of reconstructions, negated.

    Attributes
    ----------
    network_, coefs_, intercepts_, n_iter_, loss_curve_, loss_, best_loss_
        As `PCClassifier`'s.
    validation_scores_, best_validation_score_, n_features_in_, feature_names_in_
        As `PCClassifier`'s.
    """

    _initializer = "orthogonal"

    def __init__(
        self,
        n_components: int = 16,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "gelu",
        *,
        rule: str | Unsupervised = "unsupervised",
        steps: int | None = None,
        step_size: float | Literal["auto"] | None = None,
        prior: float | None = None,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        threads: int | None = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes, activation, rule=rule, steps=steps, step_size=step_size, solver=solver, alpha=alpha,
            batch_size=batch_size, learning_rate=learning_rate, learning_rate_init=learning_rate_init,
            max_iter=max_iter, random_state=random_state, tol=tol, verbose=verbose, warm_start=warm_start,
            momentum=momentum, early_stopping=early_stopping, validation_fraction=validation_fraction, beta_1=beta_1,
            beta_2=beta_2, epsilon=epsilon, n_iter_no_change=n_iter_no_change, threads=threads,
        )  # fmt: skip
        self.n_components = n_components
        self.prior = prior

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def fit(self, X: Any, y: object = None, sample_weight: ArrayLike | None = None) -> PCTransformer:
        """Train on X (N, features), dense or CSR, or a tf.data.Dataset; y is not looked at.

        Raises
        ------
        ValueError
            If data or parameters cannot be used.
        DivergenceError
            If training leaves the finite numbers.
        """
        return self._learn(X, sample_weight, incremental=False)

    def partial_fit(self, X: Any, y: object = None, sample_weight: ArrayLike | None = None) -> PCTransformer:
        """Train one epoch on X, going on from the last call."""
        return self._learn(X, sample_weight, incremental=True)

    def transform(self, X: Any) -> NDArray[Any]:
        """Return the samples' latents, (N, n_components): x_0 relaxed with the sample clamped."""
        check_is_fitted(self)
        return self._latents(self._checked(X, reset=False))

    def inverse_transform(self, latents: Any) -> NDArray[Any]:
        """Return what the network makes of latents (N, n_components): reconstructions (N, features)."""
        check_is_fitted(self)
        latents = check_array(latents, dtype=(np.float64, np.float32))
        if latents.shape[1] != self.network_.sizes[0]:
            raise DataError(
                f"expected latents with {self.network_.sizes[0]} columns, one a component, got {latents.shape[1]}; "
                "pass what transform returned"
            )
        return self.network_.forward(latents, threads=self._threads_for(len(latents)))

    @property
    def _n_features_out(self) -> int:
        return self.network_.sizes[0]

    def _latents(self, data: Any) -> NDArray[Any]:
        rule = self._make_rule(self.network_.n_layers)
        n_samples = len(data) if isinstance(data, Dataset) else data.shape[0]
        return self.network_.infer(data, rule.inference, prior=rule.prior, threads=self._threads_for(n_samples))

    def _learn(self, X: Any, sample_weight: ArrayLike | None, incremental: bool) -> PCTransformer:
        X = self._checked(X, reset=self._starts_anew(incremental))
        # The rule looks at no target; a data set has some.
        data = Dataset(X, np.zeros((X.shape[0], 1), np.uint8), sample_weight=sample_weight)  # type: ignore[arg-type]
        self._train(data, (self.n_components, X.shape[1]), "squared_error", incremental)
        return self

    def _make_rule(self, n_layers: int) -> Unsupervised:
        return unsupervised_rule(self.rule, self.steps, self.step_size, self.prior)

    def _score_held_out(self, data: Dataset) -> float:
        difference = dense_images(data) - self.network_.forward(self._latents(data))
        return -float(np.average(np.square(difference).mean(axis=1), weights=data.sample_weight))
