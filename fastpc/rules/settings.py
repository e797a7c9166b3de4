"""Settings that several rules share, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastpc.checks import require_choice, require_number
from fastpc.errors import ConfigurationError
from fastpc.rules.nudge import Nudge


def require_step_size(owner: str, step_size: object, *, at_most: float | None = None) -> None:
    """Raise a ConfigurationError unless `step_size` is "auto", or a number above 0 and within its bound."""
    if isinstance(step_size, str):
        require_choice("step_size", step_size, ("a positive number", "auto"))
    else:
        require_number(owner, "step_size", step_size, above=0, at_most=at_most)


def require_nudge(owner: str, nudge: object) -> None:
    """Raise a ConfigurationError unless `nudge` is a Nudge or None."""
    if nudge is not None and not isinstance(nudge, Nudge):
        raise ConfigurationError(
            f"{owner}: expected nudge to be a Nudge or None, got {nudge!r}; "
            'pass for example Nudge("positive", beta=0.5)'
        )


def checked_precisions(owner: str, precisions: Any) -> tuple[float, ...] | None:
    """Return pi_1 … pi_L as a tuple, or None.

    Raises
    ------
    ConfigurationError
        If they are no sequence of numbers above 0.
    """
    if precisions is None:
        return None
    if isinstance(precisions, str) or not isinstance(precisions, Iterable):
        raise ConfigurationError(
            f"{owner}: expected precisions to be a sequence of numbers, one a layer, got {precisions!r}; "
            "pass for example (1.0, 2.0)"
        )
    values = tuple(precisions)
    for l, precision in enumerate(values, 1):
        require_number(owner, f"precision of layer {l}", precision, above=0)
    return values
