"""What a search may choose a setting from: values, a range, or both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from fastpc.errors import ConfigurationError


class Suggests(Protocol):
    """A trial of Optuna's, as far as domains go."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number from low to high."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number from low to high."""


@dataclass(frozen=True)
class Domain:
    """Values, a range, or both.

    Parameters
    ----------
    values : tuple
        Each as likely as another.
    low, high : int or float, optional
        Ends of the range, both in it. Whole numbers make a range of whole numbers.
    log : bool
        Draw from the range by the numbers' logarithms.
    """

    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False

    @property
    def corners(self) -> tuple[Any, ...]:
        """The values and the ends of the range; where these can be trained with, so can what is between."""
        return self.values if self.low is None else (*self.values, self.low, self.high)

    def __str__(self) -> str:
        return ",".join([*map(str, self.values), *([] if self.low is None else [f"{self.low}:{self.high}"])])

    def __contains__(self, value: Any) -> bool:
        if value in self.values:
            return True
        if self.low is None or self.high is None or isinstance(value, str) or value is None:
            return False
        return bool(self.low <= value <= self.high)

    def without(self, value: Any) -> Domain:
        """Return this but for one of its values."""
        return Domain(tuple(other for other in self.values if other != value), self.low, self.high, self.log)

    def suggest(self, trial: Suggests, name: str) -> Any:
        """Return what a trial takes; of values beside a range, ``NAME_kind`` says which of them it is."""
        if self.low is None or self.high is None:
            return self.values[0] if len(self.values) == 1 else trial.suggest_categorical(name, self.values)
        if self.values:
            kind = trial.suggest_categorical(kind_of(name), (*self.values, "number"))
            if kind != "number":
                return kind
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def start(self, name: str, value: Any) -> dict[str, Any]:
        """Return the parameters of a trial that takes `value`; none where it is not among these."""
        if value not in self or len(self.corners) == 1:
            return {}
        if self.low is None:
            return {name: value}
        if value in self.values:
            return {kind_of(name): value}
        return {name: value} | ({kind_of(name): "number"} if self.values else {})


def kind_of(name: str) -> str:
    """Return the name of the parameter that says whether a setting is a number, where it may be a word as well."""
    return f"{name}_kind"


def parse(option: str, text: str, kind: type, words: tuple[str, ...] = ()) -> Domain:
    """Read a domain: ``3``, ``2:8``, ``relu,gelu`` or ``auto,0.01:0.5``.

    Parameters
    ----------
    option : str
        As errors name it.
    text : str
        Values and at most one range, with commas between them.
    kind : type
        int, float or str. Of str there are no ranges.
    words : tuple of str
        What may stand in a number's place.

    Raises
    ------
    ConfigurationError
        If that is not what the text is.
    """
    values: list[Any] = []
    ends: tuple[float, float] | None = None
    for part in (part.strip() for part in text.split(",")):
        low, colon, high = part.partition(":")
        if colon and kind is not str:
            if ends is not None:
                raise _refusal(option, text, kind, words)
            ends = _number(option, text, low, kind, words), _number(option, text, high, kind, words)
        elif kind is str or part in words:
            values.append(part)
        else:
            values.append(_number(option, text, part, kind, words))
    if "" in values or len(set(values)) < len(values):
        raise _refusal(option, text, kind, words)
    if ends is None:
        return Domain(tuple(values))
    if not ends[0] < ends[1] or any(value not in words for value in values):
        raise _refusal(option, text, kind, words)
    return Domain(tuple(values), *ends)


def _number(option: str, text: str, part: str, kind: type, words: tuple[str, ...]) -> Any:
    try:
        number = kind(part)
    except ValueError:
        raise _refusal(option, text, kind, words) from None
    if not math.isfinite(number):
        raise _refusal(option, text, kind, words)
    return number


def _refusal(option: str, text: str, kind: type, words: tuple[str, ...]) -> ConfigurationError:
    if kind is str:
        return ConfigurationError(
            f"expected {option} to be a name, or different names with commas between them, got {text!r}; write them "
            "like one,two"
        )
    number = "whole numbers" if kind is int else "numbers"
    example = "2:8" if kind is int else "0.001:0.1"
    beside = f", {' or '.join(words)} beside them" if words else ""
    return ConfigurationError(
        f"expected {option} to be different {number} with commas between them, or a range from a smaller to a larger "
        f"one{beside}, got {text!r}; write a range like {example}"
    )
