"""From settings to the objects that train: network, rule, optimiser."""

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from fastpc.checks import require_choice
from fastpc.errors import ConfigurationError
from fastpc.presets import BY_DIRECTION, BY_RULE, DEFAULT, DIRECTIONS, OF_THE_RULE, UNSUPERVISED, Preset

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
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
    first, last = {
        "discriminative": (n_features, n_outputs),
        "generative": (n_outputs, n_features),
        "unsupervised": (layers[0] if layers else preset.latents, n_features),
    }[preset.direction]
    if layers is None:
        return (first, *preset.hidden, last)
    if len(layers) < 2 or (layers[0], layers[-1]) != (first, last):
        raise ConfigurationError(
            f"expected --layers to begin with {first} and end with {last}, as the data "
            f"does, got {','.join(map(str, layers))}; or give the hidden sizes alone with --hidden"
        )
    return layers


def fitted(preset: Preset, sizes: tuple[int, ...]) -> Preset:
    """Return the settings with a network's sizes in them, and default precisions for its depth."""
    preset = replace(preset, hidden=sizes[1:-1])
    if preset.direction == "unsupervised":
        preset = replace(preset, latents=sizes[0])
    if preset.precisions is not None and preset.precisions == UNSUPERVISED.precisions:
        hidden, image = preset.precisions
        preset = replace(preset, precisions=(*[hidden] * (len(sizes) - 2), image))
    return preset


def encoder(preset: Preset, made: "PCNetwork | BidirectionalNetwork") -> "PCNetwork | None":
    """Return the untrained bottom-up network of a rule that has one beside the network `made`."""
    if preset.rule != "hybrid":
        return None
    from fastpc.hybrid import bottom_up
    from fastpc.network import PCNetwork

    assert isinstance(made, PCNetwork)
    return bottom_up(made)


def network(preset: Preset, sizes: tuple[int, ...], seed: int) -> "PCNetwork | BidirectionalNetwork":
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
    if preset.rule == "bpc":
        from fastpc.bidirectional import BidirectionalNetwork

        return BidirectionalNetwork(sizes, activation, preset.loss, preset.dtype, seed)
    return PCNetwork(
        sizes, activation, preset.loss, preset.dtype, seed, preset.initializer, preset.residual, preset.scaling
    )


def rule(preset: Preset, encoder: "PCNetwork | None" = None) -> "Rule":
    """Return the learning rule of these settings; `encoder` is the bottom-up network of those that have one."""
    from fastpc.rules import BY_NAME, Generative, Nudge, Unsupervised

    offered = {
        "steps": preset.steps,
        "step_size": preset.step_size,
        "momentum": preset.momentum,
        "precisions": preset.precisions,
        "nudge": None if preset.nudge == "none" else Nudge(preset.nudge, preset.beta, preset.beta_growth),
        "rate": preset.learning_rate,
        "encoder": encoder,
        "prior": 1.0 if preset.direction == "unsupervised" else None,
    }
    settings: dict[str, Any] = {name: value for name, value in offered.items() if takes(preset.rule, name)}
    if preset.direction == "unsupervised" and preset.rule == "pc":
        return Unsupervised(**settings)
    learning = BY_NAME[preset.rule](**settings)
    return Generative(learning) if preset.direction == "generative" and preset.rule != "hybrid" else learning


def takes(rule_name: str, setting: str) -> bool:
    """Return whether a rule has a setting of this name."""
    from fastpc.rules import BY_NAME

    if (rule_name, setting) == ("hybrid", "nudge"):  # one of PC's settings that it refuses
        return False
    return setting in {field.name for field in fields(BY_NAME[rule_name])}  # type: ignore[arg-type]


def named(name: str | None) -> Preset | None:
    """Return the settings of a name in `fastpc.reproductions.REPRODUCTIONS`; None without a name.

    Raises
    ------
    ConfigurationError
        If it is not one of these.
    """
    from fastpc.reproductions import REPRODUCTIONS

    if name is None:
        return None
    require_choice("--preset", name, tuple(REPRODUCTIONS))
    return REPRODUCTIONS[name].preset


def chosen(base: Preset | None, rule_name: str | None, given: dict[str, Any]) -> Preset:
    """Return settings to begin with, or else a rule's own, with those that were given in their stead.

    Parameters
    ----------
    base : Preset, optional
        The settings to begin with, of a name or of a file.
    rule_name : str, optional
        One of `RULES`. In `base` it replaces the rule with all that is the rule's own.
    given : dict
        Settings by name, None where they were not given.

    Raises
    ------
    ConfigurationError
        If a name is unknown, or a setting means nothing to the rule.
    """
    if rule_name is not None:
        require_choice("--rule", rule_name, RULES)
    if given["direction"] is not None:
        require_choice("--direction", given["direction"], DIRECTIONS)
    if base is None and rule_name in (None, DEFAULT.rule):
        preset = BY_DIRECTION[given["direction"] or DEFAULT.direction]
    elif base is None:
        preset = BY_RULE[str(rule_name)]
    else:
        preset = base
        if rule_name not in (None, preset.rule):
            others = BY_RULE[str(rule_name)]
            preset = replace(preset, rule=others.rule, **{key: getattr(others, key) for key in OF_THE_RULE})
    if given["schedule"] is not None:
        preset = replace(preset, warmup=None)
    require_effect(preset, given)
    settings = replace(preset, **{key: value for key, value in given.items() if value is not None})
    if settings.scaling is not None and given["initializer"] is None:
        settings = replace(settings, initializer="standard_normal")
    require_direction(settings.rule, settings.direction)
    require_plain(settings)
    return settings


def require_effect(preset: Preset, given: dict[str, Any]) -> None:
    """Raise unless every setting that was given means something to the preset's rule.

    Raises
    ------
    ConfigurationError
        If one does not.
    """
    needs = {"steps": "steps", "step_size": "step_size", "momentum": "momentum"}
    needs |= dict.fromkeys(("nudge", "beta", "beta_growth"), "nudge")
    for setting, field in needs.items():
        if given[setting] is not None and not takes(preset.rule, field):
            others = " or ".join(name for name in RULES if takes(name, field))
            raise ConfigurationError(
                f"expected {option(setting)} with a rule that has use for it, {others}, got --rule {preset.rule}; "
                "leave it out"
            )
    kind = given["nudge"] or preset.nudge
    require_choice("--nudge", kind, NUDGES)
    for setting in ("beta", "beta_growth"):
        if given[setting] is not None and kind == "none":
            raise ConfigurationError(
                f"expected {option(setting)} with --nudge {', '.join(NUDGES[1:-1])} or {NUDGES[-1]}, got --nudge "
                f"none; name one of these, or leave {option(setting)} out"
            )
    for setting in ("activation", "loss", "initializer", "optimizer", "weight_decay", "schedule", "warmup"):
        if given[setting] is not None and preset.rule == "notebook":
            raise ConfigurationError(
                f"expected --rule notebook with its own {setting}, got {option(setting)}; leave it out"
            )


def option(setting: str) -> str:
    """Return what a setting is called on the command line."""
    return "--" + setting.replace("_", "-")


def require_direction(rule_name: str, direction: str) -> None:
    """Raise unless a rule learns in this direction.

    Raises
    ------
    ConfigurationError
        If it does not.
    """
    able = {
        "discriminative": tuple(name for name in RULES if name != "hybrid"),
        "generative": tuple(name for name in RULES if name not in ("notebook", "bpc")),
        "unsupervised": ("pc", "hybrid"),
    }
    if rule_name not in able.get(direction, RULES):
        raise ConfigurationError(
            f"expected --direction {direction} with --rule {' or '.join(able[direction])}, got {rule_name}; "
            "use one of these, or leave --direction out"
        )


def require_plain(preset: Preset) -> None:
    """Raise unless skips and scales are for a rule whose network has them.

    Raises
    ------
    ConfigurationError
        If they are not.
    """
    without = ("bpc", "notebook")
    if preset.rule in without and (preset.residual or preset.scaling is not None):
        able = ", ".join(name for name in RULES if name not in without)
        raise ConfigurationError(
            f"expected --residual and --scaling with --rule {able}, got --rule {preset.rule}; "
            "use one of these, or leave both out"
        )


def optimizer(preset: Preset) -> "Optimizer":
    """Return the optimiser of these settings, schedule included."""
    from fastpc.optimizers import by_name
    from fastpc.schedules import by_name as schedule_by_name

    made = by_name(preset.optimizer, preset.learning_rate, schedule_by_name(preset.schedule, preset.warmup))
    return made if preset.weight_decay is None else replace(made, weight_decay=preset.weight_decay)


def split(data: "Dataset", fraction: float | None, seed: int) -> "tuple[Dataset, Dataset | None]":
    """Return what to train on, and what to hold out for validation, if anything."""
    return (data, None) if fraction is None else data.split(fraction, seed)
