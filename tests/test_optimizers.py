"""Optimisers: their settings, and the steps that the reference takes with them."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

import naive_optimizers
from fastpc import optimizers
from fastpc.errors import ConfigurationError
from fastpc.optimizers import SGD, Adam, AdamW, Optimizer
from fastpc.schedules import Constant, Cosine
from naive import Parameters

RNG = np.random.default_rng(0)
THETA = Parameters([RNG.normal(size=(3, 2))], [RNG.normal(size=2)])
GRADIENT = Parameters([RNG.normal(size=(3, 2))], [RNG.normal(size=2)])
ALL = (SGD, Adam, AdamW)


def after(optimizer: Optimizer, steps: int = 1, factor: float = 1.0) -> list[Parameters]:
    """THETA, and what it becomes in each of `steps` updates by the same GRADIENT."""
    path, memory = [THETA], naive_optimizers.forget(THETA)
    for _ in range(steps):
        theta, memory = naive_optimizers.step(optimizer, path[-1], GRADIENT, memory, factor)
        path.append(theta)
    return path


def moves(path: list[Parameters]) -> list[np.ndarray]:
    """What each update added to the weights."""
    return [b.weights[0] - a.weights[0] for a, b in pairwise(path)]


# -- settings ------------------------------------------------------------------------------------


def test_slots_are_what_must_be_remembered() -> None:
    assert SGD().n_slots == 0
    assert SGD(momentum=0.9).n_slots == 1
    assert Adam().n_slots == 2
    assert AdamW().n_slots == 2


@pytest.mark.parametrize("kind", ALL)
def test_settings_are_frozen(kind: type[Optimizer]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().learning_rate = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_by_name_takes_the_defaults(name: str) -> None:
    optimizer = optimizers.by_name(name)
    assert optimizer == type(optimizer)()
    assert optimizer.name == name
    assert optimizer.schedule == Constant()


def test_by_name_takes_a_rate_and_a_schedule() -> None:
    expected = Adam(learning_rate=0.01, schedule=Cosine())
    assert optimizers.by_name("adam", 0.01, "cosine") == expected
    assert optimizers.by_name("adam", 0.01, schedule=Cosine()) == expected


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="sgd, adam, adamw, got 'lion'"):
        optimizers.by_name("lion")
    with pytest.raises(ConfigurationError, match="expected schedule to be one of"):
        optimizers.by_name("adam", schedule="sine")


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("weight_decay", -1),
        ("clip_norm", 0),
        ("schedule", "cosine"),
        ("schedule", Cosine),
    ],
)
def test_shared_settings_out_of_bounds_are_named(kind: type[Optimizer], setting: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: expected {setting} .* got"):
        kind(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("momentum", [-0.1, 1, 2])
def test_momentum_is_below_one(momentum: float) -> None:
    with pytest.raises(ConfigurationError, match="SGD: expected momentum"):
        SGD(momentum=momentum)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize(("setting", "value"), [("beta1", 1), ("beta1", -0.1), ("beta2", 1), ("epsilon", 0)])
def test_adam_settings_out_of_bounds_are_named(kind: type[Adam] | type[AdamW], setting: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__}: expected {setting}"):
        kind(**{setting: value})  # type: ignore[arg-type]


# -- steps: what the reference, and so the engine, does with them ---------------------------------


def test_sgd_descends_the_gradient() -> None:
    (move,) = moves(after(SGD(0.5), factor=0.1))
    np.testing.assert_allclose(move, -0.05 * GRADIENT.weights[0])


def test_sgd_momentum_accumulates() -> None:
    first, second = moves(after(SGD(0.5, momentum=0.9), steps=2))
    np.testing.assert_allclose(second, 1.9 * first)


def test_adam_first_moves_by_the_learning_rate() -> None:
    (move,) = moves(after(Adam(0.01)))
    np.testing.assert_allclose(move, -0.01 * np.sign(GRADIENT.weights[0]), rtol=1e-6)


def test_adam_bias_correction_keeps_a_steady_gradient_steady() -> None:
    path = moves(after(Adam(0.01), steps=5))
    for move in path[1:]:
        np.testing.assert_allclose(move, path[0], rtol=1e-6)


def test_adam_adds_epsilon_outside_the_square_root() -> None:
    (move,) = moves(after(Adam(1.0, epsilon=0.5)))
    g = GRADIENT.weights[0]
    np.testing.assert_allclose(move, -g / (np.abs(g) + 0.5))


def test_adamw_decay_is_apart_from_the_running_means() -> None:
    (decayed,) = moves(after(AdamW(0.01, weight_decay=0.3), factor=0.5))
    (plain,) = moves(after(Adam(0.01), factor=0.5))
    np.testing.assert_allclose(decayed - plain, -0.5 * 0.01 * 0.3 * THETA.weights[0])


@pytest.mark.parametrize("kind", ALL)
def test_weight_decay_never_touches_biases(kind: type[Optimizer]) -> None:
    decayed = after(kind(weight_decay=0.3), steps=3)[-1]
    plain = after(kind(weight_decay=0.0), steps=3)[-1]
    np.testing.assert_array_equal(decayed.biases[0], plain.biases[0])
    assert np.all(decayed.weights[0] != plain.weights[0])


def test_clipping_scales_the_gradient_of_all_parameters_alike() -> None:
    norm = np.sqrt(np.sum(GRADIENT.weights[0] ** 2) + np.sum(GRADIENT.biases[0] ** 2))
    clipped = naive_optimizers.clip(GRADIENT, norm / 4)
    np.testing.assert_allclose(clipped.weights[0], GRADIENT.weights[0] / 4)
    np.testing.assert_allclose(clipped.biases[0], GRADIENT.biases[0] / 4)


def test_clipping_leaves_small_gradients_alone() -> None:
    clipped = naive_optimizers.clip(GRADIENT, 1e6)
    np.testing.assert_array_equal(clipped.weights[0], GRADIENT.weights[0])


def test_clipping_comes_before_weight_decay() -> None:
    (move,) = moves(after(SGD(1.0, weight_decay=10.0, clip_norm=1e-9)))
    np.testing.assert_allclose(move, -10 * THETA.weights[0], rtol=1e-6)
