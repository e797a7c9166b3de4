"""Samples that count more than others, against the reference and against repetitions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_training
from fastpc import (
    PC,
    ZIL,
    Adam,
    Backprop,
    BidirectionalNetwork,
    BidirectionalPC,
    FixedPrediction,
    Generative,
    IncrementalPC,
    PCNetwork,
    Trainer,
    Unsupervised,
)
from fastpc.data import Dataset, Shuffle
from fastpc.errors import ConfigurationError
from fastpc.optimizers import SGD
from fastpc.rules import Notebook, Rule
from naive import Array
from on_engine import network_of
from strategies import Case, cases
from training import SEED


@st.composite
def weighted_cases(draw: st.DrawFn) -> tuple[Case, Array]:
    """Draw a case of smooth activations, and weights of mean 1, some of them 0."""
    case = draw(cases(max_hidden=3, max_size=40, activations=("tanh", "gelu", "identity")))
    rng = np.random.default_rng(case.seed)
    weights = np.maximum(rng.normal(1.0, 1.0, len(case.x)), 0)
    weights[draw(st.integers(0, len(weights) - 1))] = 2.5
    return case, weights / weights.mean()


@settings(max_examples=40)
@given(weighted_cases(), st.integers(1, 80))
def test_training_with_weights_is_the_reference_s(drawn: tuple[Case, Array], batch_size: int) -> None:
    case, weights = drawn
    rule, optimizer = PC(3, case.stable_step(), precisions=case.precisions), SGD(0.01)
    order = Shuffle(len(case.x), SEED).order(0)
    expected = naive_training.train(case, rule, optimizer, [order], batch_size, sample_weight=weights)
    network = network_of(case)
    inputs, targets = case.x.astype(case.dtype), case.target.astype(np.float64)
    trainer = Trainer(network, rule, optimizer, batch_size, seed=SEED)
    history = trainer.fit(Dataset(inputs, targets, sample_weight=weights * 7))
    tolerance = {"rtol": 1e-9, "atol": 1e-11} if case.dtype == "float64" else {"rtol": 2e-4, "atol": 2e-5}
    for ours, theirs in zip(network.weights, expected.parameters.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, **tolerance)
    for ours, theirs in zip(network.biases, expected.parameters.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, **tolerance)
    tolerance = {"rtol": 1e-9} if case.dtype == "float64" else {"rtol": 1e-3, "atol": 1e-5}
    np.testing.assert_allclose(history.epochs[0].energy, expected.epochs[0].energy, **tolerance)


def samples(seed: int = 0) -> tuple[Array, Any, Any]:
    """Return 37 inputs, labels of three classes, and whole weights from 0 to 3."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(37, 7)), rng.integers(0, 3, 37), rng.integers(0, 4, 37)


def trained(rule: Rule, data: Dataset, loss: str, batch_size: int = 1000, threads: int | None = None) -> Trainer:
    """Train a small float64 network; one that generates, if the rule's do."""
    generates = isinstance(rule, Generative | Unsupervised)
    sizes = (3, 9, 5, 7) if generates else (7, 9, 5, 3)
    network = PCNetwork(sizes, "tanh", "squared_error" if generates else loss, "float64", seed=1)
    optimizer = Adam(1e-2, weight_decay=1e-3, clip_norm=1.0)
    trainer = Trainer(network, rule, optimizer, batch_size, threads=threads)
    trainer.fit(data, epochs=4)
    return trainer


RULES = (
    PC(4),
    PC(4, "auto", tolerance=1e-3),
    PC(4, solver="errors"),
    IncrementalPC(3),
    FixedPrediction(),
    ZIL(),
    Backprop(),
    Generative(PC(4)),
    Unsupervised(4, step_size="auto"),
)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{getattr(rule, 'solver', '')}")
def test_in_one_batch_whole_weights_are_repetitions(rule: Rule, loss: str) -> None:
    x, labels, weights = samples()
    ours = trained(rule, Dataset(x, labels, 3, sample_weight=weights), loss)
    repeated = trained(rule, Dataset(x.repeat(weights, axis=0), labels.repeat(weights), 3), loss)
    plain = trained(rule, Dataset(x, labels, 3), loss)
    np.testing.assert_allclose(ours.network.parameters, repeated.network.parameters, rtol=1e-9, atol=1e-11)
    assert not np.allclose(ours.network.parameters, plain.network.parameters, rtol=1e-3)
    energies = [[record.energy for record in trainer.history.epochs] for trainer in (ours, repeated)]
    np.testing.assert_allclose(*energies, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("rule", [PC(4), IncrementalPC(3)])
def test_equal_weights_are_none_to_the_last_bit(rule: Rule) -> None:
    x, labels, _ = samples()
    plain = trained(rule, Dataset(x, labels, 3), "cross_entropy", 16)
    equal = trained(rule, Dataset(x, labels, 3, sample_weight=np.full(37, 0.3)), "cross_entropy", 16)
    assert np.array_equal(plain.network.parameters, equal.network.parameters)


def test_results_do_not_depend_on_the_threads() -> None:
    x, labels, weights = samples()
    data = Dataset(x, labels, 3, sample_weight=weights)
    one, many = (trained(PC(4), data, "cross_entropy", 16, threads).network.parameters for threads in (1, 3))
    assert np.array_equal(one, many)


@pytest.mark.parametrize("rule", [BidirectionalPC(), Generative(BidirectionalPC()), Notebook()])
def test_other_rules_refuse_weights_in_a_sentence(rule: Rule) -> None:
    x, labels, weights = samples()
    network: Any = BidirectionalNetwork((7, 5, 3)) if rule.bidirectional else PCNetwork((3, 5, 7))
    with pytest.raises(ConfigurationError, match=r"^expected no sample weights with \w+, .*, got some; "):
        Trainer(network, rule).fit(Dataset(x, labels, 3, sample_weight=weights))
