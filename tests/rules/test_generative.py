"""Generative networks: labels below, images on top, recognised by relaxing; and latents that find themselves."""

from typing import Any

import numpy as np
import pytest

from fastpc import PC, Adam, Dataset, Generative, IncrementalPC, PCNetwork, Trainer, Unsupervised, load_digits
from fastpc.errors import ConfigurationError, DataError
from fastpc.rules import Notebook


def generative_network() -> PCNetwork:
    return PCNetwork((10, 64, 64), seed=1)


def test_data_are_turned_over_and_nothing_else() -> None:
    train, _ = load_digits()
    turned = Dataset(np.eye(10)[train.targets], train.inputs, target_scale=train.scale)
    rule = PC(steps=5)
    networks = [generative_network(), generative_network()]
    Trainer(networks[0], Generative(rule), Adam()).fit(train)
    Trainer(networks[1], rule, Adam()).fit(turned)
    assert networks[0].parameters.tobytes() == networks[1].parameters.tobytes()


@pytest.mark.parametrize("rule", [PC(steps=10, step_size="auto"), IncrementalPC(steps=3)])
def test_it_learns_to_recognise_by_relaxing_and_to_generate(rule: Any) -> None:
    train, test = load_digits()
    network = generative_network()
    trainer = Trainer(network, Generative(rule), Adam(3e-3))
    before = trainer.evaluate(test).accuracy
    trainer.fit(train, epochs=10)
    result = trainer.evaluate(test)
    assert before is not None
    assert result.accuracy is not None
    assert result.accuracy > max(0.7, before + 0.3)
    np.testing.assert_array_equal(result.predictions, network.recognise(test, trainer.rule.recognition))
    # What it draws for a label is nearest to the mean image of that class.
    images = np.asarray(train.inputs) * train.scale
    means = np.stack([images[train.targets == label].mean(axis=0) for label in range(10)])
    drawn = network.generate(np.arange(10))
    nearest = np.square(drawn[:, None] - means).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, np.arange(10))


def test_recognition_does_not_look_at_labels() -> None:
    _, test = load_digits()
    trainer = Trainer(generative_network(), Generative())
    shifted = Dataset(test.inputs, (test.targets + 1) % 10, 10, scale=test.scale)
    np.testing.assert_array_equal(trainer.evaluate(test).predictions, trainer.evaluate(shifted).predictions)


def test_labels_of_a_part_without_the_last_class_still_fit() -> None:
    train, _ = load_digits()
    few = train.take(np.flatnonzero(train.targets < 9))
    few = Dataset(few.inputs, few.targets, scale=few.scale)
    assert few.n_classes == 9
    Trainer(generative_network(), Generative(PC(steps=1))).fit(few)


def test_unsupervised_latents_reconstruct_better_than_their_mean_and_sample() -> None:
    train, test = load_digits()
    network = PCNetwork((8, 64, 64), "gelu", initializer="he_normal")
    rule = Unsupervised(steps=20, step_size="auto", momentum=0.9, precisions=(10.0, 10.0))
    trainer = Trainer(network, rule, Adam(3e-3))
    trainer.fit(train, epochs=15)
    result = trainer.evaluate(test)
    assert result.accuracy is None
    images = np.asarray(test.inputs) * test.scale
    spread = 0.5 * np.square(images - images.mean(axis=0)).sum(axis=1).mean()
    assert result.loss < 0.8 * spread
    again = network.reconstruct(test, rule.inference, prior=rule.prior)
    assert result.loss == pytest.approx(0.5 * np.square(again - images).sum(axis=1).mean(), rel=1e-5)
    drawn = network.sample(20, seed=3)
    assert drawn.shape == (20, 64)
    assert np.isfinite(drawn).all()
    np.testing.assert_array_equal(drawn, network.sample(20, seed=3))
    assert (drawn != network.sample(20, seed=4)).any()


def test_unsupervised_learning_does_not_look_at_labels() -> None:
    train, _ = load_digits()
    networks = [PCNetwork((4, 9, 64), "tanh") for _ in range(2)]
    for network, labels in zip(networks, (train.targets, train.targets[::-1]), strict=True):
        Trainer(network, Unsupervised()).fit(Dataset(train.inputs, labels, scale=train.scale))
    assert networks[0].parameters.tobytes() == networks[1].parameters.tobytes()


@pytest.mark.parametrize("make", [
    lambda: Generative(rule=Unsupervised()),
    lambda: Generative(rule="pc"),
    lambda: Generative(recognition=PC(solver="errors")),
    lambda: Generative(recognition=Notebook()),
    lambda: Unsupervised(prior=0),
    lambda: Unsupervised(solver="errors"),
    lambda: Trainer(PCNetwork((10, 64), loss="cross_entropy"), Generative()).fit(load_digits()[0]),
])  # fmt: skip
def test_what_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sizes", [(64, 10), (10, 63), (9, 64)])
def test_networks_the_wrong_way_round_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"expected .*, got .*; "):
        Trainer(PCNetwork(sizes), Generative()).fit(load_digits()[0])


def test_only_classes_can_be_drawn() -> None:
    for wrong in ([10], [-1], [0.5], [], [[1]]):
        with pytest.raises(DataError, match="expected labels from 0 to 9"):
            generative_network().generate(wrong)
