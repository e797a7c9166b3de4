"""Checks of single settings, shared by every frozen dataclass of configuration."""

import math
from numbers import Integral, Real

from fastpc.errors import ConfigurationError


def require_number(
    owner: str,
    name: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> None:
    """Raise unless `value` is a finite real number within the bounds that are given.

    Parameters
    ----------
    owner, name : str
        The class and the setting, as the error names them.
    value : object
        What was passed. Booleans are not numbers here.
    above, at_least, below, at_most : float, optional
        Open (`above`, `below`) and closed (`at_least`, `at_most`) bounds.

    Raises
    ------
    ConfigurationError
        If `value` is no number, not finite or out of bounds.
    """
    bounds = []
    holds = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    number = float(value) if holds else math.nan  # type: ignore[arg-type]
    if above is not None:
        bounds.append(f"above {above:g}")
        holds = holds and number > above
    if at_least is not None:
        bounds.append(f"of at least {at_least:g}")
        holds = holds and number >= at_least
    if below is not None:
        bounds.append(f"below {below:g}")
        holds = holds and number < below
    if at_most is not None:
        bounds.append(f"of at most {at_most:g}")
        holds = holds and number <= at_most
    if not holds:
        allowed = " and ".join(bounds) or "that is finite"
        raise ConfigurationError(
            f"{owner}: expected {name} to be a number {allowed}, got {value!r}; pass {name} within these bounds."
        )


def require_choice(what: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise unless `value` is one of `choices`.

    Raises
    ------
    ConfigurationError
        If `value` is not among `choices`.
    """
    if value not in choices:
        raise ConfigurationError(
            f"expected {what} to be one of {', '.join(choices)}, got {value!r}; pick one of these."
        )


def require_whole(owner: str, name: str, value: object, *, at_least: int, at_most: int = 2**31 - 1) -> None:
    """Raise unless `value` is an integer from `at_least` to `at_most`.

    Raises
    ------
    ConfigurationError
        If `value` is no integer, too small or too large.
    """
    holds = isinstance(value, Integral) and not isinstance(value, bool)
    if not holds or not at_least <= int(value) <= at_most:  # type: ignore[call-overload]
        raise ConfigurationError(
            f"{owner}: expected {name} to be a whole number from {at_least} to {at_most}, got {value!r}; "
            f"pass {name} within these bounds."
        )
