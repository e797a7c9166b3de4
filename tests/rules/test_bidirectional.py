"""The settings of bidirectional predictive coding."""

from typing import Any

import pytest

from fastpc import Adam, BidirectionalNetwork, BidirectionalPC
from fastpc.bidirectional_session import BidirectionalSession
from fastpc.errors import ConfigurationError
from fastpc.rules import Rule


def test_defaults() -> None:
    rule = BidirectionalPC()
    assert isinstance(rule, Rule)
    assert rule.name == "bpc"
    assert (rule.steps, rule.step_size) == (8, "auto")
    # The direction that generates images has the small weight.
    assert (rule.alpha_discriminative, rule.alpha_generative) == (1.0, 1e-3)
    assert hash(rule) == hash(BidirectionalPC())


@pytest.mark.parametrize("wrong", [
    {"steps": -1}, {"steps": 2.5}, {"step_size": 0}, {"step_size": "fast"}, {"step_size": None},
    {"alpha_generative": 0}, {"alpha_generative": float("nan")}, {"alpha_discriminative": -1},
    {"alpha_discriminative": "a"},
])  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        BidirectionalPC(**wrong)
    assert "\n" not in str(caught.value)


def test_its_session_trains_both_directions() -> None:
    session = BidirectionalPC(steps=0).session(BidirectionalNetwork((3, 4, 2)), Adam(), batch_size=5, threads=1)
    assert isinstance(session, BidirectionalSession)
