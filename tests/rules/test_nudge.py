"""Nudging: settings, gradients, and what is left of beta in them at equilibrium."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_nudge
import naive_training
from fastpc.errors import ConfigurationError
from fastpc.history import History
from fastpc.optimizers import SGD, Adam
from fastpc.rules import PC, Nudge
from fastpc.rules.nudge import KINDS
from naive_activations import ACTIVATIONS
from on_engine import data_of, distance, network_of, size_of
from strategies import LOSSES, Case, cases, make_case
from training import BATCH, SAMPLES, assert_same_parameters, orders, small_case, trainer_of

# States that a nudge moves come near kinks unseen.
SMOOTH = [name for name, activation in ACTIVATIONS.items() if not activation.kinks]
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


class TestSettings:
    @pytest.mark.parametrize("allowed", [
        {"beta": 1.0}, {"beta": np.float32(1e-3)}, {"growth": 0.0}, {"growth": 1}, {"kind": "negative"},
    ])  # fmt: skip
    def test_what_is_allowed(self, allowed: dict[str, Any]) -> None:
        assert isinstance(Nudge(**allowed), Nudge)

    @pytest.mark.parametrize("wrong", [
        {"beta": 0}, {"beta": -0.5}, {"beta": 1.01}, {"beta": float("nan")}, {"beta": "all"},
        {"growth": -0.1}, {"growth": float("inf")}, {"kind": "centered"}, {"kind": None},
    ])  # fmt: skip
    def test_what_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
            Nudge(**wrong)
        assert "\n" not in str(caught.value)

    def test_a_rule_takes_nothing_else_for_one(self) -> None:
        with pytest.raises(ConfigurationError, match="expected nudge to be a Nudge or None, got 'positive'; pass"):
            PC(nudge="positive")  # type: ignore[arg-type]

    def test_a_beta_that_is_nothing_in_the_network_s_numbers_is_refused(self) -> None:
        network = network_of(make_case((3, 4, 2), ("tanh",), dtype="float32"))
        with pytest.raises(ConfigurationError, match="expected beta of the nudge to be a positive number in float32"):
            PC(nudge=Nudge(beta=1e-60)).session(network, Adam(), 8, 1)


class TestBetas:
    def test_keep_a_sign_or_take_turns(self) -> None:
        assert list(Nudge("positive", 0.5).betas(0, 0, 3)) == [0.5, 0.5, 0.5]
        assert list(Nudge("negative", 0.5).betas(0, 1, 2)) == [-0.5, -0.5]
        assert list(Nudge("centred", 0.5).betas(0, 0, 3)) == [0.5, -0.5, 0.5]

    def test_turns_go_on_from_call_to_call(self) -> None:
        nudge = Nudge("centred", 0.5)
        parts = [nudge.betas(0, first, 3) for first in (0, 3, 6)]
        assert np.array_equal(np.concatenate(parts), nudge.betas(0, 0, 9))

    def test_grow_with_every_epoch_up_to_one(self) -> None:
        nudge = Nudge("negative", 0.5, growth=0.2)
        assert [nudge.betas(epoch, 0, 1)[0] for epoch in range(5)] == pytest.approx([-0.5, -0.7, -0.9, -1, -1])

    def test_no_batches_have_none(self) -> None:
        assert Nudge("centred").betas(0, 5, 0).shape == (0,)


@given(
    case=cases(activations=SMOOTH, max_hidden=3),
    steps=st.integers(0, 10),
    nudge=st.builds(Nudge, st.sampled_from(KINDS), st.floats(0.1, 1.0)),
)
def test_the_gradient_is_the_reference_s(case: Case, steps: int, nudge: Nudge) -> None:
    step_size = case.stable_step()
    expected = naive_nudge.gradient(case, nudge, steps, step_size)
    rule = PC(steps, step_size, precisions=case.precisions, nudge=nudge)
    weights, biases = network_of(case).gradient(*data_of(case), rule)
    # What rounding leaves of a target is divided by beta.
    scale = size_of(case, []) ** 2 / nudge.beta
    assert distance(weights, expected.weights, scale) < TOLERANCE[case.dtype]
    assert distance(biases, expected.biases, scale) < TOLERANCE[case.dtype]


@pytest.mark.parametrize("solver", ["gradient", "errors"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_positive_nudge_of_one_is_plain_to_the_last_bit(loss: str, solver: str) -> None:
    case = make_case((19, 30, 12, 5), ("relu", "tanh"), loss, dtype="float32", batch_size=50)
    plain, nudged = (PC(4, solver=solver, nudge=nudge) for nudge in (None, Nudge("positive", 1.0)))
    network = network_of(case)
    found = [network.gradient(*data_of(case), rule) for rule in (nudged, plain)]
    for ours, theirs in zip(*found, strict=True):
        assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.01), SGD(0.1, clip_norm=0.05)])
def test_so_is_training(optimizer: SGD | Adam) -> None:
    case = small_case("cross_entropy")
    plain, nudged = (
        trainer_of(case, PC(4, nudge=nudge), optimizer) for nudge in (None, Nudge("positive", 0.5, growth=0.5))
    )
    nudged.epochs_done = plain.epochs_done = 1  # where beta has grown to 1
    for trainer in (plain, nudged):
        trainer.fit((case.x, case.labels), epochs=2)
    assert np.array_equal(plain.network.parameters, nudged.network.parameters)


@pytest.mark.parametrize("nudge", [Nudge("positive", 0.4, 0.4), Nudge("negative", 0.4), Nudge("centred", 0.4, 0.1)])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", [SGD(0.1, clip_norm=0.2), Adam(0.01)])
def test_training_is_the_reference_s_with_beta_growing_by_the_epoch(
    loss: str, nudge: Nudge, optimizer: SGD | Adam
) -> None:
    case, rule, epochs = small_case(loss), PC(4, 0.1, nudge=nudge), 3
    trainer = trainer_of(case, rule, optimizer)
    history = trainer.fit((case.x, case.labels), epochs=epochs)
    expected = naive_training.train(case, rule, optimizer, orders(SAMPLES, epochs), BATCH)
    assert_same_parameters(trainer.network, expected)
    assert isinstance(history, History)
    for record, epoch in zip(history.epochs, expected.epochs, strict=True):
        np.testing.assert_allclose(record.energy, epoch.energy, rtol=1e-9)


def test_calls_of_fit_go_on_with_beta_and_with_turns() -> None:
    case, rule = small_case(), PC(4, 0.1, nudge=Nudge("centred", 0.3, 0.2))
    at_once, by_the_epoch = trainer_of(case, rule, SGD(0.1)), trainer_of(case, rule, SGD(0.1))
    at_once.fit((case.x, case.labels), epochs=3)
    for _ in range(3):
        by_the_epoch.fit((case.x, case.labels), epochs=1)
    assert np.array_equal(at_once.network.parameters, by_the_epoch.network.parameters)


class TestEquilibrium:
    """What is left of beta: the distance from the limit for beta to 0, which has a closed form."""

    def remainder(self, kind: str, beta: float, loss: str) -> float:
        case = make_case((6, 9, 8, 4), ("tanh", "tanh"), loss, batch_size=12, seed=3)
        rule = PC(4000, case.stable_step(1.0), nudge=Nudge(kind, beta))
        found = network_of(case).gradient(*data_of(case), rule)
        limit = naive_nudge.limit_of_gradient(case)
        pairs = zip([*found[0], *found[1]], [*limit.weights, *limit.biases], strict=True)
        return float(np.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs)))

    @pytest.mark.parametrize("loss", LOSSES)
    def test_halving_beta_quarters_what_a_centred_nudge_leaves(self, loss: str) -> None:
        left = [self.remainder("centred", beta, loss) for beta in (0.04, 0.02, 0.01)]
        assert left[0] / left[1] == pytest.approx(4, rel=0.05)
        assert left[1] / left[2] == pytest.approx(4, rel=0.05)

    @pytest.mark.parametrize("kind", ["positive", "negative"])
    @pytest.mark.parametrize("loss", LOSSES)
    def test_and_only_halves_what_a_one_sided_one_leaves(self, kind: str, loss: str) -> None:
        left = [self.remainder(kind, beta, loss) for beta in (0.04, 0.02, 0.01)]
        assert left[0] / left[1] == pytest.approx(2, rel=0.1)
        assert left[1] / left[2] == pytest.approx(2, rel=0.1)

    def test_a_centred_one_leaves_less(self) -> None:
        for loss in LOSSES:
            one_sided = min(self.remainder(kind, 0.1, loss) for kind in ("positive", "negative"))
            assert self.remainder("centred", 0.1, loss) < 0.5 * one_sided
