"""What all rules that settle tiles have in common, whatever their kernel."""

from typing import Any

import numpy as np
import pytest

from fastpc import SGD, Adam, PCNetwork, Trainer
from fastpc.data import Shuffle
from fastpc.engine.settle import KERNELS
from fastpc.errors import ConfigurationError
from fastpc.rules import BY_NAME, PC, ZIL, Backprop, ErrorPC, FixedPrediction, Hybrid, TileRule
from on_engine import data_of, distance, network_of
from strategies import make_case

RULES = pytest.mark.parametrize(
    "rule",
    [
        # Hybrid trains two networks, the other way round; it has tests of its own.
        *(kind() for kind in BY_NAME.values() if issubclass(kind, TileRule) and kind is not Hybrid),
        ErrorPC(steps=3, step_size=0.1),
        ErrorPC(steps=3, precisions=(0.5, 2.0, 1.0)),
    ],
    ids=repr,
)
LOSSES = pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
SIZES, SAMPLES, BATCH = (13, 21, 9, 5), 50, 20  # batches of 20, 20 and 10: tiles that are not full


@RULES
def test_it_is_a_small_frozen_value(rule: TileRule) -> None:
    assert rule == type(rule)(**vars(rule))
    assert len({rule, type(rule)(**vars(rule))}) == 1
    with pytest.raises(AttributeError):
        rule.steps = 3  # type: ignore[misc]


@RULES
@LOSSES
def test_training_takes_the_steps_that_its_gradients_say(rule: TileRule, loss: str) -> None:
    case = make_case(SIZES, ("tanh", "gelu"), loss, batch_size=SAMPLES)
    trained, by_hand = network_of(case), network_of(case)
    x, target = data_of(case)
    Trainer(trained, rule, SGD(0.1), BATCH, seed=3).fit((x, target))
    order = Shuffle(SAMPLES, 3).order(0)
    for first in range(0, SAMPLES, BATCH):
        batch = order[first : first + BATCH]
        weights, biases = by_hand.gradient(x[batch], target[batch], rule)
        by_hand.weights = [w - 0.1 * g for w, g in zip(by_hand.weights, weights, strict=True)]
        by_hand.biases = [b - 0.1 * g for b, g in zip(by_hand.biases, biases, strict=True)]
    assert distance([trained.parameters], [by_hand.parameters]) <= 1e-12


@RULES
def test_the_energies_of_training_are_those_of_relaxing(rule: TileRule) -> None:
    case = make_case(SIZES, ("tanh", "gelu"), batch_size=SAMPLES)
    network, data = network_of(case), data_of(case)
    record = Trainer(network_of(case), rule, SGD(1e-12), SAMPLES).fit(data).epochs[0]
    np.testing.assert_allclose(record.energy, network.energy(*data, rule), rtol=1e-9)


@RULES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_do_not_depend_on_threads(rule: TileRule, dtype: str) -> None:
    case = make_case(SIZES, ("relu", "gelu"), "cross_entropy", dtype=dtype, batch_size=SAMPLES)

    def trained(threads: int) -> Any:
        network = network_of(case)
        Trainer(network, rule, Adam(0.01, clip_norm=0.5), BATCH, threads=threads).fit(data_of(case), epochs=2)
        return network.parameters

    assert np.array_equal(trained(1), trained(2))


@RULES
@LOSSES
def test_a_network_without_hidden_layers_learns_its_loss_s_gradient(rule: TileRule, loss: str) -> None:
    case = make_case((7, 4), (), loss, batch_size=33)
    if rule.precisions:
        rule = ErrorPC(steps=3)
    found, exact = (network_of(case).gradient(*data_of(case), r) for r in (rule, Backprop()))
    assert distance([*found[0], *found[1]], [*exact[0], *exact[1]]) <= 1e-12


def test_steps_are_as_many_as_set_or_as_the_depth_asks() -> None:
    assert [rule.steps_for(5) for rule in (PC(steps=3), ZIL(), Backprop(), FixedPrediction(7))] == [3, 4, 0, 7]


def test_precisions_are_as_many_as_layers() -> None:
    assert Backprop().layer_precisions(3) == (1.0, 1.0, 1.0)
    assert ErrorPC(precisions=[1, 2]).layer_precisions(2) == (1.0, 2.0)
    with pytest.raises(ConfigurationError, match=r"expected 3 precisions.*got 2"):
        PCNetwork((3, 4, 4, 2)).relax(np.ones((1, 3)), np.ones((1, 2)), ErrorPC(precisions=[1, 2]))


def test_numbers_that_vanish_in_the_network_s_dtype_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected step_size to be a positive number in float32 too"):
        Trainer(PCNetwork((3, 4, 2)), ErrorPC(step_size=1e-60)).fit((np.ones((1, 3)), np.ones((1, 2))))


def test_every_kernel_belongs_to_a_rule() -> None:
    rules: list[TileRule] = [PC(), PC(solver="errors"), ErrorPC(), FixedPrediction(), ZIL(), Backprop()]
    ours = {kind for kind in KERNELS if kind.__module__.startswith("fastpc.")}
    assert {type(rule.relaxation(np.float32, 0)) for rule in rules} == ours
