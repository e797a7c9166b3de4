"""Checks of settings that several rules share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastpc.checks import require_choice, require_number
from fastpc.errors import ConfigurationError
from fastpc.rules.nudge import Nudge


def require_step_size(owner: str, value: object) -> None:
    """Raise a ConfigurationError unless `value` is a number above 0, or "auto"."""
    if isinstance(value, str):
        require_choice("step_size", value, ("a positive number", "auto"))
    else:
        require_number(owner, "step_size", value, above=0)


def require_nudge(owner: str, value: object) -> None:
    """Raise a ConfigurationError unless `value` is a Nudge or None."""
    if value is not None and not isinstance(value, Nudge):
        raise ConfigurationError(
            f"{owner}: expected nudge to be a Nudge or None, got {value!r}; "
            'pass for example Nudge("positive", beta=0.5)'
        )


def checked_precisions(owner: str, values: Sequence[float] | None) -> tuple[float, ...] | None:
    """Return precisions as a tuple, or None where none were given.

    Raises
    ------
    ConfigurationError
        Unless they are a sequence of numbers above 0.
    """
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigurationError(
            f"{owner}: expected precisions to be a sequence of numbers, one a layer, got {values!r}; "
            "pass for example (1.0, 2.0)"
        )
    precisions = tuple(values)
    for l, precision in enumerate(precisions, 1):
        require_number(owner, f"precision of layer {l}", precision, above=0)
    return precisions


def precisions_of_layers(precisions: Sequence[float] | None, n_layers: int) -> tuple[float, ...]:
    """Return pi_1 … pi_L for a network of L = `n_layers` weight matrices: ones where none were given.

    Raises
    ------
    ConfigurationError
        If as many were not given.
    """
    if precisions is None:
        return (1.0,) * n_layers
    if len(precisions) != n_layers:
        raise ConfigurationError(
            f"expected {n_layers} precisions, one for each layer 1 to {n_layers}, got {len(precisions)}; "
            "pass as many as the network has weight matrices"
        )
    return tuple(float(precision) for precision in precisions)
