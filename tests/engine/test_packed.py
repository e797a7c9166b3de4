"""Wide layers' weights, packed for predictions: the same numbers to the last bit, whoever packs them."""

import numpy as np
import pytest

import every_rule
import fastpc.session
from fastpc.engine.packed import packing_pays
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam
from fastpc.rules import PC, Backprop, ErrorPC, FixedPrediction, IncrementalPC, Rule, Unsupervised
from fastpc.trainer import Trainer

RULES = (
    PC(steps=3),
    PC(steps=3, solver="errors"),
    ErrorPC(steps=3),
    FixedPrediction(steps=3),
    Backprop(),
    # Its weights move in every step, so it must read them as they are.
    IncrementalPC(steps=3),
)


def trained(
    packed: bool,
    monkeypatch: pytest.MonkeyPatch,
    sizes: tuple[int, ...],
    rule: Rule,
    dtype: str,
    loss: str,
    threads: int,
) -> np.ndarray:
    """Train two epochs with a short last batch, and return the parameters."""
    monkeypatch.setattr(fastpc.session, "packing_pays", lambda *_: packed)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(70, sizes[0])).astype(dtype), random.integers(sizes[-1], size=70)
    network = PCNetwork(sizes, "tanh", dtype=dtype, seed=1, loss=loss)
    Trainer(network, rule, Adam(0.01), 50, threads=threads).fit((x, y), epochs=2)
    return network.parameters.copy()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_above_a_free_input_are_packed_from_the_first_on(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for packed in (False, True):
        monkeypatch.setattr(fastpc.session, "packing_pays", lambda *_, packed=packed: packed)
        images = np.random.default_rng(0).normal(size=(70, 97)).astype(dtype)
        network = PCNetwork((6, 49, 97), "tanh", dtype=dtype, seed=1)
        rule = Unsupervised(steps=5, step_size=0.01)
        Trainer(network, rule, Adam(0.01), 50, threads=2).fit((images, np.zeros(70, int)), epochs=2)
        found.append(network.parameters.tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_is_bitwise_the_same(rule: Rule, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = (5, 13, 49, 97, 3)  # under one block, just over a band, over two
    plain = trained(False, monkeypatch, sizes, rule, dtype, "squared_error", 1)
    for threads in (1, 2, 3):
        ours = trained(True, monkeypatch, sizes, rule, dtype, "squared_error", threads)
        assert ours.tobytes() == plain.tobytes()


@pytest.mark.parametrize("name", every_rule.RULES)
def test_every_rule_learns_the_same_on_the_digits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for packed in (False, True):
        monkeypatch.setattr(fastpc.session, "packing_pays", lambda *_, packed=packed: packed)
        trainer = every_rule.trainer_for(name, threads=2)
        trainer.fit(every_rule.digits(), epochs=1)
        found.append(every_rule.everything(trainer))
    every_rule.assert_equal(*found)


@pytest.mark.parametrize("sizes", [(5, 7, 2), (5, 12, 24, 12), (1, 1, 1), (70, 65, 130, 10)])
def test_any_widths_with_cross_entropy(sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    plain, ours = (
        trained(packed, monkeypatch, sizes, PC(steps=4, momentum=0.5), "float32", "cross_entropy", 2)
        for packed in (False, True)
    )
    assert ours.tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    ("sizes", "pays"),
    [
        ((784, 1024, 1024, 10), True),
        ((784, 128, 128, 10), True),
        ((784, 1024, 10), False),
        ((784, 128, 10), False),
        ((10, 784), False),
    ],
)
def test_it_is_used_where_it_pays(sizes: tuple[int, ...], pays: bool) -> None:
    assert packing_pays(sizes) is pays
