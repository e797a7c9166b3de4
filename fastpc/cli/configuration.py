"""A run's configuration as a TOML file: what its folder keeps, and what ``fastpc train --config`` takes."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fastpc import build
from fastpc.checks import require_choice
from fastpc.errors import ConfigurationError
from fastpc.files import write_whole
from fastpc.presets import BY_DIRECTION, BY_RULE, DEFAULT, DIRECTIONS, OF_THE_RULE, Preset

NAME = "config.toml"
HEADER = "# What a run was asked for; fastpc train --config with this file, or its folder, runs it again.\n"
KINDS: dict[str, Any] = get_type_hints(Preset) | {
    "layers": tuple[int, ...],
    "data": str,
    "validation": float | None,
    "seed": int,
    "scale": float,
    "fastpc": str,
}
"""By name: what a file may say, and of which type. Training asks the data for the scale; images that come later have it
from here. The version is for people."""


def write(configuration: Mapping[str, Any], path: Path) -> None:
    """Write a configuration; what is None is left out, as TOML has no word for it."""
    lines = [f"{name} = {_in_toml(value)}\n" for name, value in configuration.items() if value is not None]
    write_whole(path, (HEADER + "".join(lines)).encode())


def _in_toml(value: object) -> str:
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for one character that TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def read(path: Path) -> dict[str, Any]:
    """Return what a configuration file says, or the one in a run's folder.

    Raises
    ------
    ConfigurationError
        If there is none, it is no TOML, or it says what no run can be asked for.
    """
    file = path / NAME if path.is_dir() else path
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"expected a configuration in TOML at {str(file)!r}, got none that can be read ({error}); name a file, or "
            "the folder of a run"
        ) from error
    for name, value in said.items():
        if name not in KINDS:
            raise ConfigurationError(
                f"expected settings among {', '.join(KINDS)} in {str(file)!r}, got {name!r}; leave it out"
            )
        if not _fits(value, KINDS[name]):
            raise ConfigurationError(
                f"expected {name} in {str(file)!r} to be {_words(KINDS[name])}, got {value!r}; change it"
            )
    return {name: tuple(value) if isinstance(value, list) else value for name, value in said.items()}


def preset_of(said: Mapping[str, Any]) -> Preset:
    """Return the settings in what `read` returned; those it does not name are the rule's or the direction's own.

    Raises
    ------
    ConfigurationError
        If rule or direction are unknown, or a setting means nothing to the rule.
    """
    rule, direction = said.get("rule", DEFAULT.rule), said.get("direction", DEFAULT.direction)
    require_choice("rule", rule, tuple(BY_RULE))
    require_choice("direction", direction, DIRECTIONS)
    base = BY_DIRECTION[direction] if rule == DEFAULT.rule else BY_RULE[rule]
    names = {field.name for field in fields(Preset)}
    new = {name: said[name] for name in OF_THE_RULE if name in said and said[name] != getattr(base, name)}
    build.require_effect(base, dict.fromkeys(names) | new)
    return replace(base, **{name: value for name, value in said.items() if name in names})


def _fits(value: object, kind: Any) -> bool:
    """Return whether a value read from TOML is of a setting's type."""
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, part) for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float if kind is float else kind)


def _words(kind: Any) -> str:
    """Return a setting's type in words."""
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_words(part) for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"a list, each {_words(get_args(kind)[0])}"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}[kind]
