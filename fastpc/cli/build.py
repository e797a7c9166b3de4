"""From settings to the objects that train: network, rule, optimiser."""

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
# Settings that a rule has no use for, or brings with it.
WITHOUT_EFFECT = {
    "ipc": ("momentum",),
    "notebook": ("activation", "loss", "momentum", "nudge", "beta", "beta_growth", "optimizer", "schedule"),
}


def check_options(rule: str, given: dict[str, Any]) -> None:
    """Raise a ConfigurationError if an option was `given` (is not None) that has no effect."""
    for name in WITHOUT_EFFECT.get(rule, ()):
        if given[name] is not None:
            option = "--" + name.replace("_", "-")
            others = " or ".join(other for other in RULES if name not in WITHOUT_EFFECT.get(other, ()))
            raise ConfigurationError(f"expected {option} with --rule {others}, got --rule {rule}; leave it out")
    if given["nudge"] in (None, "none"):
        for name in ("beta", "beta_growth"):
            if given[name] is not None:
                option = "--" + name.replace("_", "-")
                raise ConfigurationError(
                    f"expected {option} with --nudge {', '.join(NUDGES[1:-1])} or {NUDGES[-1]}, got --nudge "
                    f"{given['nudge'] or 'none'}; name one of these, or leave {option} out"
                )


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
    from fastpc.rules import PC, IncrementalPC, Notebook, Nudge

    if preset.rule == "notebook":
        return Notebook(steps=preset.steps, step_size=preset.step_size, rate=preset.learning_rate)
    nudge = None if preset.nudge == "none" else Nudge(preset.nudge, preset.beta, preset.beta_growth)
    if preset.rule == "ipc":
        return IncrementalPC(steps=preset.steps, step_size=preset.step_size, nudge=nudge)
    return PC(steps=preset.steps, step_size=preset.step_size, momentum=preset.momentum, nudge=nudge)


def optimizer(preset: Preset) -> "Optimizer":
    """Return the optimiser of these settings, schedule included."""
    from fastpc.optimizers import by_name

    return by_name(preset.optimizer, preset.learning_rate, preset.schedule)


def split(data: "Dataset", fraction: float | None, seed: int) -> "tuple[Dataset, Dataset | None]":
    """Return what to train on, and what to hold out for validation, if anything."""
    return (data, None) if fraction is None else data.split(fraction, seed)
