"""The settings of incremental predictive coding."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import naive_incremental
from fastpc import Adam, IncrementalPC, Nudge, PCNetwork, Trainer, load_digits
from fastpc.errors import ConfigurationError, DivergenceError
from fastpc.incremental import IncrementalSession
from fastpc.optimizers import SGD
from fastpc.rules import Rule
from fastpc.schedules import Cosine
from training import BATCH, SAMPLES, assert_same_parameters, orders, small_case, trainer_of


def test_defaults() -> None:
    rule = IncrementalPC()
    assert isinstance(rule, Rule)
    assert rule.name == "ipc"
    assert (rule.steps, rule.step_size, rule.precisions, rule.nudge) == (8, 0.1, None, None)
    with pytest.raises(FrozenInstanceError):
        rule.steps = 3  # type: ignore[misc]


@pytest.mark.parametrize("allowed", [
    {"steps": 1}, {"steps": np.int64(3)}, {"step_size": "auto"}, {"step_size": np.float32(0.5)},
    {"precisions": [1e-3, 1e3]}, {"nudge": Nudge("centred", 0.1)},
])  # fmt: skip
def test_what_is_allowed(allowed: dict[str, Any]) -> None:
    assert isinstance(IncrementalPC(**allowed), IncrementalPC)


@pytest.mark.parametrize("wrong", [
    {"steps": 0}, {"steps": 2.5}, {"steps": True}, {"step_size": 0}, {"step_size": "fast"},
    {"step_size": float("nan")}, {"precisions": (1.0, 0.0)}, {"precisions": 1.0}, {"nudge": 0.5},
])  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        IncrementalPC(**wrong)
    assert "\n" not in str(caught.value)


def test_its_session_is_its_own_and_wants_a_precision_a_layer() -> None:
    network = PCNetwork((3, 4, 2))
    assert isinstance(IncrementalPC().session(network, Adam(), 5, 1), IncrementalSession)
    with pytest.raises(ConfigurationError, match="expected 2 precisions"):
        IncrementalPC(precisions=(1.0,)).session(network, Adam(), 5, 1)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_the_trainer_trains_as_the_reference(loss: str) -> None:
    case, rule, epochs = small_case(loss), IncrementalPC(4, 0.1), 3
    optimizer = Adam(0.01, schedule=Cosine())
    trainer = trainer_of(case, rule, optimizer)
    history = trainer.fit((case.x, case.labels), epochs=epochs)
    expected = naive_incremental.train(case, rule, optimizer, orders(SAMPLES, epochs), BATCH)
    assert_same_parameters(trainer.network, expected)
    for record, epoch in zip(history.epochs, expected.epochs, strict=True):
        np.testing.assert_allclose(record.energy, epoch.energy, rtol=1e-9)
        assert record.accuracy == pytest.approx(epoch.accuracy)


def test_it_learns_the_digits() -> None:
    train, test = load_digits()
    trainer = Trainer(PCNetwork((64, 32, 10)), IncrementalPC(4), Adam(2e-3), 32)
    before = trainer.evaluate(test).accuracy
    trainer.fit(train, epochs=5)
    assert before < 0.3 < 0.85 < trainer.evaluate(test).accuracy


def test_divergence_restores_the_network_and_advises() -> None:
    case = small_case()
    trainer = trainer_of(case, IncrementalPC(20, 100.0), SGD(0.1))
    before = trainer.network.parameters.copy()
    with pytest.raises(DivergenceError, match=r'above the stability limit.*step_size="auto"'):
        trainer.fit((case.x, case.labels))
    assert np.array_equal(trainer.network.parameters, before)


def test_a_network_that_stands_still_does_not_relax_by_it() -> None:
    case = small_case()
    network = trainer_of(case).network
    for ask in (network.relax, network.gradient, network.energy):
        with pytest.raises(
            ConfigurationError, match="expected a rule that settles samples while the weights stand still"
        ):
            ask(case.x, case.labels, IncrementalPC())  # type: ignore[arg-type]
