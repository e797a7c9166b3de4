"""PCClassifier: predictive coding as a classifier of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from fastpc.data import Dataset
from fastpc.errors import ConfigurationError, DataError
from fastpc.estimators.base import PCEstimator
from fastpc.estimators.settings import clamped_rule
from fastpc.estimators.streams import arrays_of
from fastpc.network import softmax
from fastpc.rules import Rule


class PCClassifier(ClassifierMixin, PCEstimator):
    """A predictive coding network as a classifier of scikit-learn.

    Parameters are MLPClassifier's where there is no other note; it computes in float64, or in float32 where X is.

    Parameters
    ----------
    hidden_layer_sizes, activation
        As MLPClassifier's; any of `fastpc.PCNetwork`'s activations, or one for each hidden layer.
    rule : str or Rule
        How to learn: "pc", "ipc", "epc", "fpa", "zil", "backprop", or an object such as ``PC(solver="errors")``.
    steps : int, optional
        Relaxation steps a batch; for "pc" as many as there are hidden layers by default, and else the rule's own.
    step_size : float or "auto", optional
        Of a relaxation step; for "pc" 0.05 by default, and never more than is stable.
    loss : "cross_entropy" or "squared_error"
        The output's part of the energy.
    class_weight : dict, "balanced" or None
        What a sample's class multiplies its weight by, as elsewhere in scikit-learn.
    solver : "adam", "adamw" or "sgd"
        The optimiser.
    alpha : float
        The L2 penalty, or the decoupled decay of "adamw".
    learning_rate : "constant", "cosine", "step" or "warmup"
        What becomes of `learning_rate_init` over `max_iter` epochs; always constant in `partial_fit`.
    batch_size, learning_rate_init, max_iter, random_state, tol, verbose, warm_start
        As MLPClassifier's.
    momentum : float
        Of "sgd".
    early_stopping, validation_fraction, n_iter_no_change
        As MLPClassifier's: the fraction is held out of the training data, stratified by class.
    beta_1, beta_2, epsilon : float
        Of "adam" and "adamw".
    threads : int, optional
        By default all cores, or one where batches are too small to share; in joblib's worker processes, as many as
        those are given. No result depends on it.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
    network_ : PCNetwork
        What was trained; `coefs_` and `intercepts_` are views of its parameters.
    n_iter_ : int
        Epochs.
    loss_curve_, loss_, best_loss_ : list of float, float, float
        The mean energy after relaxation: of every epoch, of the last one, and the lowest.
    validation_scores_, best_validation_score_ : list of float and float, or None
        With early stopping.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    Weights scale what samples add to the gradient, in proportion to their mean over the training data. Where all
    samples make one batch, whole weights are the same as repetitions.
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        rule: str | Rule = "pc",
        steps: int | None = None,
        step_size: float | Literal["auto"] | None = None,
        loss: str = "cross_entropy",
        class_weight: dict[Any, float] | Literal["balanced"] | None = None,
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
        self.loss = loss
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> PCClassifier:
        """Train on X (N, features), dense or CSR, and labels y (N,) of any kind; or on a tf.data.Dataset of both.

        Raises
        ------
        ValueError
            If data or parameters cannot be used.
        DivergenceError
            If training leaves the finite numbers.
        """
        return self._learn(X, y, None, sample_weight, incremental=False)

    def partial_fit(
        self, X: Any, y: Any = None, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> PCClassifier:
        """Train one epoch on X and y, going on from the last call.

        Parameters
        ----------
        X, y, sample_weight
            As `fit` takes them.
        classes : array-like, optional
            All labels there will ever be; the first call needs them.
        """
        return self._learn(X, y, classes, sample_weight, incremental=True)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy on X and y, or on a tf.data.Dataset of both."""
        return float(super().score(*arrays_of(X, y), sample_weight))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return each sample's label, shape (N,): that of the largest output."""
        outputs = self._outputs(X)
        return np.asarray(self.classes_[outputs.argmax(axis=1)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the softmax of the outputs, shape (N, classes)."""
        return softmax(self._outputs(X))

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithms of `predict_proba`, shape (N, classes)."""
        return np.asarray(log_softmax(self._outputs(X), axis=1))

    def _learn(
        self, X: Any, y: Any, classes: ArrayLike | None, sample_weight: ArrayLike | None, incremental: bool
    ) -> PCClassifier:
        anew = self._starts_anew(incremental)
        X, y = self._checked(X, y=y, reset=anew)
        check_classification_targets(y)
        self._set_classes(y, classes, incremental, anew)
        labels = np.searchsorted(self.classes_, y)
        if self.class_weight is not None:
            if incremental and self.class_weight == "balanced":
                raise ConfigurationError(
                    "expected class_weight to be a dict or None in partial_fit, which never sees all data, got "
                    '"balanced"; pass the weights that balance them'
                )
            own = compute_sample_weight(self.class_weight, y)
            sample_weight = own if sample_weight is None else own * np.asarray(sample_weight, np.float64)
        data = Dataset(X, labels, len(self.classes_), sample_weight=sample_weight)  # type: ignore[arg-type]
        self._train(data, (X.shape[1], len(self.classes_)), self.loss, incremental)
        return self

    def _set_classes(self, y: NDArray[Any], classes: ArrayLike | None, incremental: bool, anew: bool) -> None:
        """Set `classes_`, or check that the labels are among them."""
        found = np.unique(y)
        if anew:
            if incremental and classes is None:
                raise DataError(
                    "expected classes at the first call of partial_fit, got None; pass all labels there will ever be"
                )
            self.classes_ = found if classes is None else np.unique(np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(np.asarray(classes)), self.classes_):
            raise DataError(f"expected the classes of the last call, {self.classes_}, got {classes}; leave them out")
        unknown = np.setdiff1d(found, self.classes_)
        if len(unknown):
            raise DataError(
                f"expected labels among the classes {self.classes_}, got {unknown}; name them all at the first call, "
                "or set warm_start=False"
            )

    def _make_rule(self, n_layers: int) -> Rule:
        return clamped_rule(self.rule, self.steps, self.step_size, n_layers)

    def _score_held_out(self, data: Dataset) -> float:
        predictions = self.network_.predict(data, threads=self._threads_for(len(data)))
        return float(np.average(predictions == data.targets, weights=data.sample_weight))
