"""From settings to the objects that train: network, rule, optimiser."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fastpc.errors import ConfigurationError
from fastpc.presets import BY_RULE, Preset

if TYPE_CHECKING:
    from fastpc.data import Dataset
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.rules import Rule

RULES = tuple(BY_RULE)
NUDGES = ("none", "positive", "negative", "centred")


def layer_sizes(preset: Preset, layers: tuple[int, ...] | None, n_features: int, n_outputs: int) -> tuple[int, ...]:
    """Return n_0 … n_L for data of these widths.

    Parameters
    ----------
    preset : Preset
        Its hidden sizes count where `layers` is None.
    layers : tuple of int, optional
        All sizes, as asked for.
    n_features, n_outputs : int
        Widths of the data's inputs and targets.

    Raises
    ------
    ConfigurationError
        If `layers` does not fit the data.
    """
    if layers is None:
        return (n_features, *preset.hidden, n_outputs)
    if len(layers) < 2 or (layers[0], layers[-1]) != (n_features, n_outputs):
        raise ConfigurationError(
            f"expected --layers to begin with {n_features} and end with {n_outputs}, as the data "
            f"does, got {','.join(map(str, layers))}; or give the hidden sizes alone with --hidden"
        )
    return layers


def network(preset: Preset, sizes: tuple[int, ...], seed: int) -> "PCNetwork":
    """Return the untrained network of these settings."""
    from fastpc.network import PCNetwork

    if preset.rule == "notebook":
        from fastpc.notebook import initial_network

        if len(sizes) != 3:
            raise ConfigurationError(
                f"expected one hidden layer for the notebook's rule, got {len(sizes) - 2}; give --hidden one size"
            )
        # Its direction is generative: the image at the bottom, the label on top.
        return initial_network(sizes[0], sizes[-1], preset.dtype, sizes[1], seed)
    activation = preset.activation[0] if len(preset.activation) == 1 else preset.activation
    return PCNetwork(sizes, activation, preset.loss, preset.dtype, seed)


def rule(preset: Preset) -> "Rule":
    """Return the learning rule of these settings."""
    from fastpc.rules import BY_NAME, Nudge

    offered = {
        "steps": preset.steps,
        "step_size": preset.step_size,
        "momentum": preset.momentum,
        "nudge": None if preset.nudge == "none" else Nudge(preset.nudge, preset.beta, preset.beta_growth),
        "rate": preset.learning_rate,
    }
    return BY_NAME[preset.rule](**{name: value for name, value in offered.items() if takes(preset.rule, name)})


def takes(rule_name: str, setting: str) -> bool:
    """Return whether a rule has a setting of this name."""
    from fastpc.rules import BY_NAME

    return setting in {field.name for field in fields(BY_NAME[rule_name])}  # type: ignore[arg-type]


def require_effect(rule_name: str, given: dict[str, Any]) -> None:
    """Raise unless every setting that was given means something to the rule.

    Raises
    ------
    ConfigurationError
        If one does not.
    """
    needs = {"steps": "steps", "step_size": "step_size", "momentum": "momentum"}
    needs |= dict.fromkeys(("nudge", "beta", "beta_growth"), "nudge")
    for setting, field in needs.items():
        if given[setting] is not None and not takes(rule_name, field):
            others = " or ".join(name for name in RULES if takes(name, field))
            option = setting.replace("_", "-")
            raise ConfigurationError(
                f"expected --{option} with a rule that has use for it, {others}, got --rule {rule_name}; leave it out"
            )
    if given["nudge"] in (None, "none"):
        for setting in ("beta", "beta_growth"):
            if given[setting] is not None:
                option = "--" + setting.replace("_", "-")
                raise ConfigurationError(
                    f"expected {option} with --nudge {', '.join(NUDGES[1:-1])} or {NUDGES[-1]}, got --nudge "
                    f"{given['nudge'] or 'none'}; name one of these, or leave {option} out"
                )
    for setting in ("activation", "loss", "optimizer", "schedule"):
        if given[setting] is not None and rule_name == "notebook":
            raise ConfigurationError(f"expected --rule notebook with its own {setting}, got --{setting}; leave it out")


def optimizer(preset: Preset) -> "Optimizer":
    """Return the optimiser of these settings, schedule included."""
    from fastpc.optimizers import by_name

    return by_name(preset.optimizer, preset.learning_rate, preset.schedule)


def split(data: "Dataset", fraction: float | None, seed: int) -> "tuple[Dataset, Dataset | None]":
    """Return what to train on, and what to hold out for validation, if anything."""
    return (data, None) if fraction is None else data.split(fraction, seed)
