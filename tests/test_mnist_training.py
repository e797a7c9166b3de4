"""Training on the real MNIST: what the README promises, held to."""

from dataclasses import replace

import numpy as np
import pytest

from fastpc import build
from fastpc.bidirectional import BidirectionalNetwork
from fastpc.data import Dataset
from fastpc.errors import DivergenceError
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam
from fastpc.presets import BIDIRECTIONAL, DEFAULT, Preset
from fastpc.rules import PC
from fastpc.trainer import Trainer

Mnist = tuple[Dataset, Dataset]
pytestmark = pytest.mark.slow


def small_trainer(rule: PC, **settings: object) -> Trainer:
    return Trainer(PCNetwork((784, 64, 32, 10)), rule, Adam(), **settings)  # type: ignore[arg-type]


def default_trainer(seed: int, preset: Preset = DEFAULT) -> Trainer:
    """Return what `fastpc train --seed SEED` trains with."""
    network = build.network(preset, (784, *preset.hidden, 10), seed)
    rule, optimizer = build.rule(preset), build.optimizer(preset)
    return Trainer(network, rule, optimizer, preset.batch_size, seed=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_defaults_reach_98_percent_in_the_final_epoch(mnist: Mnist, seed: int):
    train, test = mnist
    trainer = default_trainer(seed)
    history = trainer.fit(train, epochs=DEFAULT.epochs)
    accuracy = trainer.evaluate(test).accuracy
    assert history.samples_seen == 60_000 * DEFAULT.epochs
    assert accuracy is not None
    assert accuracy >= 0.98


def test_the_defaults_know_nothing_of_the_test_labels(mnist: Mnist):
    train, test = mnist
    shuffled = replace(test, targets=np.random.default_rng(0).permutation(test.targets))
    trainers = [default_trainer(0), default_trainer(0)]
    for trainer, held_out in zip(trainers, (test, shuffled), strict=True):
        trainer.fit(train, held_out)
    honest, blind = trainers[0].evaluate(test), trainers[1].evaluate(shuffled)
    assert np.array_equal(trainers[0].network.parameters, trainers[1].network.parameters)
    assert np.array_equal(honest.predictions, blind.predictions)
    outputs = [trainer.network.forward(test).tobytes() for trainer in trainers]
    assert outputs[0] == outputs[1]
    assert honest.accuracy is not None
    assert honest.accuracy > 0.95
    assert blind.accuracy is not None
    assert blind.accuracy < 0.2


def test_a_fixed_step_above_the_limit_diverges(mnist: Mnist):
    trainer = small_trainer(PC(steps=50, step_size=2.0))
    with pytest.raises(DivergenceError, match="above the stability limit"):
        trainer.fit(mnist[0])
    assert np.isfinite(trainer.network.parameters).all()


@pytest.mark.parametrize("rule", [PC(50, 2.0, capped=True), PC(50, "auto")], ids=["capped", "auto"])
def test_the_automatic_cap_keeps_it_stable(mnist: Mnist, rule: PC):
    train, test = mnist
    trainer = small_trainer(rule)
    history = trainer.fit(train, epochs=2)
    first, last = history.epochs
    assert 0 < last.state_step < first.state_step < 1  # as the weights grow, the step shrinks
    assert sum(last.energy) < sum(first.energy)
    accuracy = trainer.evaluate(test).accuracy
    assert accuracy is not None
    assert accuracy > 0.9


def test_any_number_of_threads_learns_the_same_to_the_last_bit(mnist: Mnist):
    trainers = [small_trainer(PC(3, "auto"), threads=threads) for threads in (1, 2, 4)]
    for trainer in trainers:
        trainer.fit(mnist[0])
    assert len({trainer.network.parameters.tobytes() for trainer in trainers}) == 1


def test_one_bidirectional_training_recognises_and_generates(mnist: Mnist):
    train, test = mnist
    trainer = default_trainer(0, BIDIRECTIONAL)
    network = trainer.network
    assert isinstance(network, BidirectionalNetwork)
    trainer.fit(train, epochs=BIDIRECTIONAL.epochs)
    accuracy = trainer.evaluate(test).accuracy
    assert accuracy is not None
    assert accuracy >= 0.97
    generated = network.generate(np.arange(10))
    images = np.asarray(train.inputs, np.float32) * train.scale
    means = np.stack([images[train.targets == c].mean(axis=0) for c in range(10)])
    likeness = np.corrcoef(generated, means)[:10, 10:]
    assert np.array_equal(likeness.argmax(axis=1), np.arange(10))
    assert np.all(likeness.diagonal() > 0.95)
    # A plain classifier that never saw a generated image tells what each of them is.
    judge = default_trainer(5)
    judge.fit(train, epochs=2)
    assert np.array_equal(judge.network.predict(generated, scale=1.0), np.arange(10))
