"""A wide clamped output, relaxed through its Gram matrix: the same states, in fewer multiplications."""

from typing import Any

import numpy as np
import pytest

import fastpc.session
from fastpc.engine.gram import gram_pays
from fastpc.network import PCNetwork
from fastpc.optimizers import SGD
from fastpc.rules import PC
from fastpc.trainer import Trainer


def trained(with_gram: bool, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], dtype: str, **rule: Any) -> Any:
    """Train three epochs with a short last batch; return the parameters and the last epoch's energies."""
    monkeypatch.setattr(fastpc.session, "gram_pays", lambda *_: with_gram)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(70, sizes[0])), random.normal(size=(70, sizes[-1]))
    network = PCNetwork(sizes, "tanh", dtype=dtype, seed=1)
    for biases in network.biases:
        biases[:] = random.normal(0, 0.1, biases.shape)
    history = Trainer(network, PC(step_size=0.05, **rule), SGD(0.01), 50).fit((x.astype(dtype), y), epochs=3)
    return network.parameters.copy(), np.array(history.epochs[-1].energy)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-4)])
@pytest.mark.parametrize(
    "rule",
    [
        {"steps": 7},
        {"steps": 1},
        {"steps": 7, "momentum": 0.5, "precisions": (1.0, 2.0, 0.5)},
        {"steps": 7, "tolerance": 1e-2},
        {"steps": 5, "start": "zeros"},
    ],
)
def test_training_is_the_same_as_with_plain_products(
    rule: dict[str, Any], dtype: str, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = (5, 13, 39, 130)
    ours, energy = trained(True, monkeypatch, sizes, dtype, **rule)
    plain, plain_energy = trained(False, monkeypatch, sizes, dtype, **rule)
    assert np.abs(ours - plain).max() <= tolerance * np.abs(plain).max()
    np.testing.assert_allclose(energy, plain_energy, rtol=tolerance)


@pytest.mark.parametrize(
    ("sizes", "steps", "batch_size", "loss", "pays"),
    [
        ((10, 128, 784), 20, 128, 0, True),
        ((10, 128, 784), 20, 128, 1, False),  # softmax does not pass through
        ((784, 128, 10), 8, 64, 0, False),
        ((10, 784), 20, 128, 0, False),  # nothing relaxes
        ((10, 128, 784), 20, 1, 0, False),  # a matrix for one sample
    ],
)
def test_it_is_used_where_it_pays(sizes: tuple[int, ...], steps: int, batch_size: int, loss: int, pays: bool) -> None:
    assert gram_pays(sizes, steps, batch_size, loss) is pays
