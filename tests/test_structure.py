"""What networks are made of: skips, scales, and combinations that are refused."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from fastpc import PC, Adam, PCNetwork, Trainer, load_digits
from fastpc.errors import ConfigurationError, DivergenceError
from fastpc.evaluation import evaluate
from fastpc.structure import describe_sizes, scales_of, skips_of
from naive_residual import mupc_scales

DEPTHS = (8, 128)


def outputs(n_hidden: int, seed: int, activation: str = "tanh") -> Any:
    """Return what an untrained network makes of normal inputs, (samples, outputs)."""
    network = PCNetwork((32, *(64,) * n_hidden, 16), activation, seed=seed, residual=True, scaling="mupc")
    return network.forward(np.random.default_rng(seed).standard_normal((128, 32)))


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_the_output_s_variance_does_not_depend_on_the_depth(activation: str) -> None:
    # Of one network it varies with the draw of the weights: the mean over many is what the scales keep.
    shallow, deep = (np.mean([outputs(depth, seed, activation).var() for seed in range(60)]) for depth in DEPTHS)
    assert abs(deep / shallow - 1) < 0.1


def best(n_hidden: int, state_steps: Any, rates: Any) -> Any:
    """Return the state step and the learning rate after which a validation split's loss is lowest, over two seeds."""
    train, held_out = load_digits()[0].split(0.25, 0)
    losses = {}
    for step, rate in product(state_steps, rates):
        found = []
        for seed in (0, 1):
            network = PCNetwork((64, *(32,) * n_hidden, 10), "tanh", seed=seed, residual=True, scaling="mupc")
            try:
                # Every layer has its error after as many steps as there are layers.
                Trainer(network, PC(n_hidden + 10, step), Adam(rate), 64, seed=seed).fit(train, epochs=3)
                found.append(evaluate(network, held_out).loss)
            except DivergenceError:
                found.append(np.inf)
        losses[step, rate] = np.mean(found)
    return min(losses, key=lambda key: losses[key])


def test_the_best_state_step_of_eight_layers_serves_at_sixty_four() -> None:
    steps = 0.05 * 2.0 ** np.arange(5)
    shallow, deep = (best(depth, steps, [0.05])[0] for depth in (8, 64))
    assert 0.5 <= deep / shallow <= 2


def test_the_best_learning_rate_of_eight_layers_serves_at_sixty_four() -> None:
    rates = 0.0125 * 2.0 ** np.arange(6)
    shallow, deep = (best(depth, [0.2], rates)[1] for depth in (8, 64))
    assert 0.5 <= deep / shallow <= 2


def test_without_scales_it_grows_beyond_bounds() -> None:
    network = PCNetwork((32, *(64,) * 128, 16), "relu", residual=True)
    x = np.random.default_rng(0).standard_normal((8, 32))
    assert network.forward(x).var() > 1e6


def test_no_skip_leads_over_the_first_and_the_last_layer() -> None:
    assert skips_of(5, residual=True) == (False, True, True, True, False)
    assert skips_of(3, residual=True) == (False, True, False)
    assert not any(skips_of(5, residual=False))


def test_the_scales_count_the_layers_with_skips() -> None:
    sizes = (784, 128, 128, 128, 10)
    np.testing.assert_allclose(scales_of(sizes, "mupc"), mupc_scales(sizes), rtol=1e-15)
    np.testing.assert_allclose(scales_of(sizes, "mupc"), [1 / 28, 1 / 16, 1 / 16, 1 / 128])
    assert scales_of(sizes, None) == (1.0,) * 4


def test_its_weights_are_standard_normal_and_its_biases_zero() -> None:
    network = PCNetwork((100, 80, 80, 90), residual=True, scaling="mupc")
    assert network.initializer == "standard_normal"
    for weights, biases in zip(network.weights, network.biases, strict=True):
        assert abs(weights.std() - 1) < 0.03
        assert abs(weights.mean()) < 0.03
        assert not biases.any()


@pytest.mark.parametrize("wrong", [
    {"sizes": (3, 4, 2)}, {"sizes": (3, 2)}, {"sizes": (3, 4, 5, 2)}, {"sizes": (3, 4, 4, 5, 2)}, {"residual": 1},
    {"residual": "yes"}, {"scaling": "mup"}, {"scaling": 2.0}, {"residual": False, "scaling": "mupc"},
    {"scaling": "mupc", "initializer": "orthogonal"},
])  # fmt: skip
def test_what_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected .*, got .*; ") as caught:
        PCNetwork(**{"sizes": (3, 4, 4, 2), "residual": True, **wrong})
    assert "\n" not in str(caught.value)


def test_many_layers_of_one_size_are_counted() -> None:
    assert describe_sizes((784, 128, 128, 128, 10)) == "784-128-128-128-10"
    assert describe_sizes((784, *(128,) * 30, 10)) == "784-30x128-10"
    network = PCNetwork((9, *(4,) * 30, 3), "tanh", residual=True, scaling="mupc")
    assert repr(network) == "PCNetwork(9-30x4-3, residual, mupc, tanh, squared_error, float32)"


@pytest.mark.parametrize("scaling", ["mupc", None])
def test_a_saved_network_comes_back_with_its_skips_and_scales(tmp_path: Any, scaling: str | None) -> None:
    network = PCNetwork((5, 4, 4, 4, 2), "gelu", residual=True, scaling=scaling)
    network.save(tmp_path / "model")
    back = PCNetwork.load(tmp_path / "model")
    assert (back.residual, back.scaling, back.initializer) == (True, scaling, network.initializer)
    x = np.random.default_rng(0).standard_normal((7, 5))
    assert back.parameters.tobytes() == network.parameters.tobytes()
    assert np.array_equal(back.forward(x), network.forward(x))


def test_what_the_parameters_were_made_for_stays() -> None:
    network = PCNetwork((5, 4, 4, 2), residual=True)
    for name in ("residual", "scaling"):
        with pytest.raises(AttributeError, match=f"expected {name} to stay"):
            setattr(network, name, None)
