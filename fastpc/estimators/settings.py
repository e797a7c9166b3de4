"""From an estimator's parameters, named as in scikit-learn, to fastpc's rules and optimisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from fastpc.checks import require_choice, require_number, require_whole
from fastpc.errors import ConfigurationError
from fastpc.optimizers import NAMES as SOLVERS
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.rules import BY_NAME, EngineRule, Rule, Unsupervised
from fastpc.schedules import Constant, by_name
from fastpc.structure import ACTIVATIONS

# Rules whose samples may have weights.
RULES = ("pc", "ipc", "epc", "fpa", "zil", "backprop")
# Some 30 microseconds of work.
_LEAST_TO_SHARE = 1_000_000
# What MLPClassifier calls an activation, where fastpc calls it otherwise.
_OTHER_NAMES = {"logistic": "sigmoid"}


def check_settings(estimator: Any) -> None:
    """Raise a ConfigurationError unless the numbers that say when to stop are within their bounds."""
    name = type(estimator).__name__
    require_whole(name, "max_iter", estimator.max_iter, at_least=1)
    require_whole(name, "n_iter_no_change", estimator.n_iter_no_change, at_least=1)
    require_number(name, "tol", estimator.tol, at_least=0)
    require_number(name, "alpha", estimator.alpha, at_least=0)
    require_number(name, "validation_fraction", estimator.validation_fraction, above=0, below=1)


def hidden_sizes(sizes: Any) -> tuple[int, ...]:
    """Return the hidden layers' sizes; a single number is one layer."""
    if isinstance(sizes, str) or not hasattr(sizes, "__len__"):
        sizes = (sizes,)
    for size in sizes:
        require_whole("hidden_layer_sizes", "each size", size, at_least=1)
    return tuple(int(size) for size in sizes)


def activations(names: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return the activations by fastpc's names: one, or one a hidden layer."""
    if isinstance(names, str):
        require_choice("activation", names, (*ACTIVATIONS, *_OTHER_NAMES))
        return _OTHER_NAMES.get(names, names)
    return tuple(_OTHER_NAMES.get(name, name) for name in names)


def batch_size(size: Any, n_samples: int) -> int:
    """Return how many samples make a batch: as many as there are, and by "auto" at most 200."""
    if isinstance(size, str):
        require_choice("batch_size", size, ("auto", "a whole number"))
        size = 200
    require_whole("batch_size", "batch_size", size, at_least=1)
    return min(int(size), n_samples)


def threads_for(threads: int | None, multiplications: int) -> int | None:
    """Return how many threads to ask for: where nothing was asked, one for what threads would take longer to share."""
    return 1 if threads is None and multiplications < _LEAST_TO_SHARE else threads


def clamped_rule(rule: Any, steps: Any, step_size: Any, n_layers: int) -> Rule:
    """Return a rule that clamps both ends of a network of L = `n_layers` weight matrices."""
    if isinstance(rule, EngineRule) and not rule.bidirectional and rule.prior is None:
        _require_nothing_beside(rule, steps=steps, step_size=step_size)
        return rule
    if isinstance(rule, Rule):
        raise ConfigurationError(
            f"expected a rule that learns pairs with a PCNetwork, got {rule!r}; pass one of {', '.join(RULES)}, or an "
            "object such as PC(steps=3)"
        )
    require_choice("rule", rule, RULES)
    # Small steps, as many as it takes until every layer has an error: on a validation split of MNIST, with one hidden
    # layer and with two, more of them learned no better, and smaller ones no faster.
    own = {"steps": max(1, n_layers - 1), "step_size": 0.05, "capped": True} if rule == "pc" else {}
    made: Rule = _with_settings(BY_NAME[rule], own, steps=steps, step_size=step_size)
    return made


def unsupervised_rule(rule: Any, steps: Any, step_size: Any, prior: Any) -> Unsupervised:
    """Return a rule that leaves layer 0 free."""
    if isinstance(rule, Unsupervised):
        _require_nothing_beside(rule, steps=steps, step_size=step_size, prior=prior)
        return rule
    require_choice("rule", rule, ("unsupervised", "an Unsupervised object"))
    own = {"steps": 50, "step_size": "auto", "momentum": 0.9}
    made: Unsupervised = _with_settings(Unsupervised, own, steps=steps, step_size=step_size, prior=prior)
    return made


def _require_nothing_beside(rule: Rule, **settings: Any) -> None:
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise ConfigurationError(
            f"expected no {' and '.join(given)} beside a rule object, which has its own settings, got {rule!r}; "
            "set them there"
        )


def _with_settings(kind: type[Any], own: dict[str, Any], **settings: Any) -> Any:
    """Return a rule with the settings that were given, then with the estimators' own, then with its defaults."""
    given = {name: value for name, value in settings.items() if value is not None}
    unknown = set(given) - {field.name for field in fields(kind)}
    if unknown:
        raise ConfigurationError(
            f"expected no {' and '.join(sorted(unknown))} with the rule {kind.name}, which has none, got some; "
            "leave them out"
        )
    return kind(**own | given)


def optimizer(estimator: Any, batch_weight: float, incremental: bool) -> Optimizer:
    """Return an estimator's optimiser.

    Parameters
    ----------
    estimator : estimator
        With MLPClassifier's `solver`, `learning_rate_init`, `alpha` and others.
    batch_weight : float
        Of a whole batch's samples together: scikit-learn shares `alpha` among them.
    incremental : bool
        Training goes on without end, so no schedule can span it.
    """
    require_choice("solver", estimator.solver, SOLVERS)
    rate, alpha = estimator.learning_rate_init, estimator.alpha
    schedule = by_name(estimator.learning_rate)
    if incremental:
        schedule = Constant()
    if estimator.solver == "sgd":
        return SGD(rate, estimator.momentum, alpha / batch_weight, schedule=schedule)
    numbers = {"beta1": estimator.beta_1, "beta2": estimator.beta_2, "epsilon": estimator.epsilon}
    if estimator.solver == "adam":
        return Adam(rate, **numbers, weight_decay=alpha / batch_weight, schedule=schedule)
    return AdamW(rate, **numbers, weight_decay=alpha, schedule=schedule)
