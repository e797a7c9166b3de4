"""What a command prints in the end: a table for people, or one JSON object for programs."""

import json
from collections.abc import Mapping
from typing import Any

import typer


def print_json(result: Mapping[str, Any]) -> None:
    """Print `result` as one line. Numbers that JSON has no words for (NaN) become null."""
    typer.echo(json.dumps(as_plain(dict(result)), allow_nan=False))


def print_table(title: str, rows: Mapping[str, str]) -> None:
    """Print names and values, as wide as they need to be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, Text(value))
    Console().print(table)


def percent(fraction: float | None) -> str:
    """Write a fraction as a percentage, ``-`` where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.2f}%"


def duration(seconds: float | None) -> str:
    """Write a length of time as m:ss or h:mm:ss."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def as_plain(value: Any) -> Any:
    """Turn NumPy's numbers, paths and the like into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return as_plain(value.tolist())
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
