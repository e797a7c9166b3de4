"""The settings of predictive coding."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from fastpc import PC, Adam, PCNetwork
from fastpc.errors import ConfigurationError
from fastpc.rules import Rule
from fastpc.rules.pc import STARTS
from fastpc.session import EngineSession


def test_defaults() -> None:
    rule = PC()
    assert isinstance(rule, Rule)
    assert rule.name == "pc"
    assert (rule.steps, rule.step_size, rule.momentum, rule.start) == (8, 0.1, 0.0, "feedforward")
    assert (rule.precisions, rule.tolerance, rule.capped) == (None, 0.0, False)


def test_a_rule_is_a_value() -> None:
    assert PC(precisions=[1, 2]) == PC(precisions=(1, 2))
    assert hash(PC(precisions=[1, 2])) == hash(PC(precisions=(1, 2)))
    with pytest.raises(FrozenInstanceError):
        PC().steps = 3  # type: ignore[misc]


@pytest.mark.parametrize("allowed", [
    {"steps": 0}, {"steps": np.int64(3)}, {"step_size": "auto"}, {"step_size": np.float32(0.5)},
    {"momentum": 0.99}, {"tolerance": 1e-9}, {"precisions": (1e-3, 1e3)},
    *({"start": start} for start in STARTS),
])  # fmt: skip
def test_what_is_allowed(allowed: dict[str, Any]) -> None:
    assert isinstance(PC(**allowed), PC)


@pytest.mark.parametrize("wrong", [
    {"steps": -1}, {"steps": 2.5}, {"steps": True}, {"step_size": 0}, {"step_size": -0.1},
    {"step_size": "fast"}, {"step_size": float("nan")}, {"step_size": None}, {"momentum": 1.0},
    {"momentum": -0.1}, {"start": "ones"}, {"tolerance": -1e-3}, {"tolerance": float("inf")},
    {"precisions": (1.0, 0.0)}, {"precisions": (1.0, float("nan"))}, {"precisions": ("a",)},
])  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        PC(**wrong)
    assert "\n" not in str(caught.value)


def test_precisions_are_one_for_each_layer_and_one_by_default() -> None:
    assert PC().layer_precisions(3) == (1.0, 1.0, 1.0)
    assert PC(precisions=[1, 2, 4]).layer_precisions(3) == (1.0, 2.0, 4.0)
    for n_layers in (2, 4):
        with pytest.raises(ConfigurationError, match=f"expected {n_layers} precisions.*got 3"):
            PC(precisions=[1, 2, 4]).layer_precisions(n_layers)


def test_its_session_is_the_engine_s() -> None:
    network = PCNetwork((3, 4, 2))
    session = PC().session(network, Adam(), batch_size=5, threads=1)
    assert isinstance(session, EngineSession)
    with pytest.raises(ConfigurationError, match="expected 2 precisions"):
        PC(precisions=(1.0,)).session(network, Adam(), batch_size=5, threads=1)
