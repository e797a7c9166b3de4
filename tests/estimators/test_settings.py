"""Parameters named as in scikit-learn, and the rules and optimisers they become."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastpc import PC, SGD, Adam, AdamW, BidirectionalPC, Constant, Cosine, Generative, IncrementalPC, Unsupervised
from fastpc.errors import ConfigurationError
from fastpc.estimators import settings
from fastpc.rules import BY_NAME, Notebook


@pytest.mark.parametrize(
    ("given", "sizes"), [((100,), (100,)), (7, (7,)), ([3, np.int64(4)], (3, 4)), ((), ()), (np.array([5]), (5,))]
)
def test_hidden_layers(given: Any, sizes: tuple[int, ...]) -> None:
    assert settings.hidden_sizes(given) == sizes


@pytest.mark.parametrize("given", [0, (3, -1), "ten", 2.5, None])
def test_wrong_hidden_layers_are_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="each size"):
        settings.hidden_sizes(given)


def test_logistic_is_another_name_of_the_sigmoid() -> None:
    assert settings.activations("logistic") == "sigmoid"
    assert settings.activations(["logistic", "relu"]) == ("sigmoid", "relu")
    with pytest.raises(ConfigurationError, match=r"expected activation to be one of .*, got 'step'"):
        settings.activations("step")


@pytest.mark.parametrize(("size", "n", "found"), [("auto", 50, 50), ("auto", 500, 200), (64, 500, 64), (64, 10, 10)])
def test_batch_sizes(size: Any, n: int, found: int) -> None:
    assert settings.batch_size(size, n) == found


@pytest.mark.parametrize("size", ["all", 0, 2.5, None])
def test_wrong_batch_sizes_are_refused(size: Any) -> None:
    with pytest.raises(ConfigurationError, match="batch_size"):
        settings.batch_size(size, 100)


@pytest.mark.parametrize("name", settings.RULES)
def test_every_rule_by_name_takes_weights(name: str) -> None:
    rule = settings.clamped_rule(name, None, None, 3)
    assert type(rule) is BY_NAME[name]
    assert rule.takes_weights


def test_pc_takes_as_many_small_steps_as_errors_need_and_none_that_is_unstable() -> None:
    assert settings.clamped_rule("pc", None, None, 2) == PC(1, 0.05, capped=True)
    assert settings.clamped_rule("pc", None, None, 9) == PC(8, 0.05, capped=True)
    assert settings.clamped_rule("pc", 7, "auto", 2) == PC(7, "auto", capped=True)
    assert settings.clamped_rule("ipc", 5, 0.3, 2) == IncrementalPC(5, 0.3)


def test_a_rule_may_be_an_object_with_settings_of_its_own() -> None:
    rule = PC(solver="errors")
    assert settings.clamped_rule(rule, None, None, 2) is rule
    with pytest.raises(ConfigurationError, match=r"expected no steps and step_size beside a rule object, .*, got PC"):
        settings.clamped_rule(rule, 3, 0.1, 2)
    free = Unsupervised(prior=0.5)
    assert settings.unsupervised_rule(free, None, None, None) is free
    with pytest.raises(ConfigurationError, match="expected no prior beside a rule object"):
        settings.unsupervised_rule(free, None, None, 2.0)


@pytest.mark.parametrize("rule", [BidirectionalPC(), Generative(), Unsupervised(), Notebook(), "bpc", "hebb", 3, PC])
def test_rules_of_other_networks_are_refused(rule: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; |pick one of these"):
        settings.clamped_rule(rule, None, None, 2)


@pytest.mark.parametrize("rule", [PC(), "pc", None])
def test_a_free_bottom_wants_a_rule_for_it(rule: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected rule to be one of unsupervised"):
        settings.unsupervised_rule(rule, None, None, None)


def test_what_a_rule_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected no steps with the rule zil, which has none"):
        settings.clamped_rule("zil", 3, None, 2)


def optimizing(**changes: Any) -> Any:
    """Return parameters as an estimator has them."""
    defaults = {
        "solver": "adam", "learning_rate_init": 0.01, "alpha": 0.5, "learning_rate": "constant", "momentum": 0.8,
        "beta_1": 0.7, "beta_2": 0.8, "epsilon": 1e-6,
    }  # fmt: skip
    return SimpleNamespace(**defaults | changes)


def test_optimizers_share_the_penalty_among_a_batch_as_scikit_learn_does() -> None:
    assert settings.optimizer(optimizing(), 50, False) == Adam(0.01, 0.7, 0.8, 1e-6, 0.01)
    assert settings.optimizer(optimizing(solver="sgd"), 50, False) == SGD(0.01, 0.8, 0.01)
    assert settings.optimizer(optimizing(solver="adamw"), 50, False) == AdamW(0.01, 0.7, 0.8, 1e-6, 0.5)
    with pytest.raises(ConfigurationError, match="expected solver to be one of sgd, adam, adamw, got 'lbfgs'"):
        settings.optimizer(optimizing(solver="lbfgs"), 50, False)


def test_schedules_span_a_fit_and_no_partial_one() -> None:
    estimator = optimizing(learning_rate="cosine")
    assert settings.optimizer(estimator, 1, False).schedule == Cosine()
    assert settings.optimizer(estimator, 1, True).schedule == Constant()
    with pytest.raises(ConfigurationError, match="schedule"):
        settings.optimizer(optimizing(learning_rate="adaptive"), 1, False)


def test_small_work_is_not_shared_unless_asked() -> None:
    assert settings.threads_for(None, 1000) == 1
    assert settings.threads_for(None, 10**8) is None
    assert settings.threads_for(2, 1000) == 2
