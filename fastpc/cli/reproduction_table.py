"""What `fastpc reproduce` shows: a table for people and for pages, and one object for programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastpc import __version__
from fastpc.cli.output import as_plain
from fastpc.cli.reproduction import Row
from fastpc.structure import describe_sizes

HEADER = ("preset", "", "network", "bar", "published", "reached", "of each seed", "seconds a seed", "bar is")
ON_TERMINALS = ("preset", "bar", "published", "reached", "of each seed", "bar is")


def as_results(rows: Sequence[Row], *, quick: bool) -> dict[str, Any]:
    """Return everything that was measured, ready for JSON: each seed's run, the means, the bars."""
    presets = {
        row.target.name: {
            "about": row.target.about,
            "measure": row.target.measure,
            "bar": row.bar,
            "published": row.target.published,
            "mean": row.mean,
            "values": row.values,
            "met": row.met,
            "train_seconds": row.seconds,
            "runs": row.runs,
        }
        for row in rows
    }
    plain: dict[str, Any] = as_plain(
        {"fastpc": __version__, "quick": quick, "met": all(row.met for row in rows), "presets": presets}
    )
    return plain


def cells(row: Row) -> tuple[str, ...]:
    """Return a row's cells, in the order of `HEADER`."""
    runs = [run for run in row.runs if run is not None]
    return (
        row.target.name,
        row.target.about,
        describe_sizes(runs[0]["layers"]) if runs else "-",
        row.shown(row.bar),
        row.shown(row.target.published),
        row.shown(row.mean),
        ", ".join((*map(row.shown, row.values), *("diverged" for run in row.runs if run is None))),
        f"{row.seconds / len(runs):.0f}" if runs else "-",
        "met" if row.met else "not met",
    )


def print_rows(rows: Sequence[Row]) -> None:
    """Print the table on the terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="After the final epoch", title_justify="left")
    for name in ON_TERMINALS:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell for name, cell in zip(HEADER, cells(row), strict=True) if name in ON_TERMINALS))
    Console().print(table)


def write_table(rows: Sequence[Row], results: dict[str, Any], folder: Path) -> None:
    """Write ``table.md`` and ``results.json``."""
    lines = [HEADER, tuple("---" for _ in HEADER), *(cells(row) for row in rows)]
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    (folder / "table.md").write_text(text, encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
