"""What all estimators share: parameters, training, and what is left after it."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from fastpc.data import Dataset
from fastpc.errors import ConfigurationError
from fastpc.estimators.settings import (
    activations,
    batch_size,
    check_settings,
    hidden_sizes,
    optimizer,
    threads_for,
)
from fastpc.estimators.streams import arrays_of, inputs_of
from fastpc.estimators.watch import Watch
from fastpc.network import PCNetwork
from fastpc.rules import Rule
from fastpc.trainer import Trainer

# Others become the first one.
_DTYPES = (np.float64, np.float32)


class PCEstimator(BaseEstimator):
    """Parameters and training of `PCClassifier`, `PCRegressor` and `PCTransformer`, which document them."""

    # MLPClassifier's; on a validation split of MNIST it learned better than the networks' own.
    _initializer = "glorot_uniform"

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        rule: str | Rule = "pc",
        steps: int | None = None,
        step_size: float | Literal["auto"] | None = None,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.rule = rule
        self.steps = steps
        self.step_size = step_size
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.threads = threads

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """W_1 … W_L, shapes (n_{l-1}, n_l)."""
        return list(self.network_.weights)

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """b_1 … b_L, shapes (n_l,)."""
        return list(self.network_.biases)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @abstractmethod
    def _make_rule(self, n_layers: int) -> Rule:
        """Return how a network of L = `n_layers` weight matrices learns."""

    @abstractmethod
    def _score_held_out(self, data: Dataset) -> float:
        """Return how well the network does on data held out of training; more is better."""

    def _checked(self, X: Any, **settings: Any) -> Any:
        """Return X, or X and y, as scikit-learn checks them; float64, unless X is float32.

        Both may come from a tf.data.Dataset.
        """
        if "y" in settings:
            X, settings["y"] = arrays_of(X, settings["y"])
        else:
            X = inputs_of(X)
        return validate_data(self, X, accept_sparse="csr", dtype=_DTYPES, **settings)

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return the feed-forward outputs, (N, n_L)."""
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        return self.network_.forward(X, scale=1.0, threads=self._threads_for(X.shape[0]))

    def _threads_for(self, n_samples: int) -> int | None:
        """Return how many threads to ask for with so many samples at a time."""
        return threads_for(self.threads, n_samples * self.network_.n_parameters)

    def _starts_anew(self, incremental: bool) -> bool:
        return not (hasattr(self, "network_") and (incremental or self.warm_start))

    def _train(self, data: Dataset, ends: tuple[int, int], loss: str, incremental: bool) -> None:
        """Train on `data`: `max_iter` epochs or until nothing improves, or a single further one.

        Parameters
        ----------
        data : Dataset
            As the estimator's rule takes them.
        ends : tuple of int
            n_0 and n_L.
        loss : str
            As `PCNetwork` takes it.
        incremental : bool
            Go on from the last call, optimiser's memory included.
        """
        check_settings(self)
        random = check_random_state(self.random_state)
        sizes = (ends[0], *hidden_sizes(self.hidden_layer_sizes), ends[1])
        if self._starts_anew(incremental):
            seed = int(random.randint(np.iinfo(np.int32).max))
            dtype = data.inputs.dtype.name
            self.network_ = PCNetwork(sizes, activations(self.activation), loss, dtype, seed, self._initializer)
            self.loss_curve_: list[float] = []
            self.n_iter_ = 0
            self._memory: Any = None
        elif self.network_.sizes != sizes:
            raise ConfigurationError(
                f"expected layers of sizes {self.network_.sizes}, as at the last call, got {sizes}; "
                "set warm_start=False to start anew"
            )
        held_out = None
        if self.early_stopping:
            if incremental:
                raise ConfigurationError(
                    "expected early_stopping=False with partial_fit, whose data may be all there is, got True; "
                    "change it, or call fit"
                )
            data, held_out = self._split(data, random)
        self._run(data, held_out, incremental)

    def _split(self, data: Dataset, random: Any) -> tuple[Dataset, Dataset]:
        """Return the training data without, and with nothing but, a random fraction of them, by classes if any."""
        labels = None if data.n_classes is None else data.targets
        parts = train_test_split(
            np.arange(len(data)), test_size=self.validation_fraction, stratify=labels, random_state=random
        )
        train, held_out = (data.take(np.sort(part)) for part in parts)
        return train, held_out

    def _run(self, data: Dataset, held_out: Dataset | None, incremental: bool) -> None:
        """Train, and keep what is there to know of it."""
        network, size = self.network_, batch_size(self.batch_size, len(data))
        rule = self._make_rule(network.n_layers)
        total = len(data) if data.sample_weight is None else float(data.sample_weight.sum())
        settings = optimizer(self, size * total / len(data), incremental)
        score = None if held_out is None else (lambda: self._score_held_out(held_out))
        watch = Watch(self.tol, self.n_iter_no_change, score, self.verbose)
        threads = self._threads_for(size)
        trainer = Trainer(network, rule, settings, size, seed=network.seed, threads=threads, callbacks=[watch])
        kind = (rule, self.solver)
        if incremental and self._memory is not None and self._memory[0] == kind:
            parameters = network.parameters.copy()  # they may have been changed since
            trainer.restore(self._memory[1])
            network.parameters[:] = parameters
        epochs = 1 if incremental else int(self.max_iter)
        trainer.fit(data, epochs=epochs)
        self._memory = kind, trainer.snapshot()
        self.loss_curve_ = [*(self.loss_curve_ if incremental else ()), *watch.losses]
        self.n_iter_ = len(self.loss_curve_)
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)
        self.validation_scores_ = watch.scores if held_out is not None else None
        self.best_validation_score_ = watch.best if held_out is not None else None
        if not (incremental or watch.converged):
            warnings.warn(
                f"{type(self).__name__}: training had not converged after max_iter={self.max_iter} epochs; "
                "raise max_iter, or tol",
                ConvergenceWarning,
                stacklevel=4,
            )
