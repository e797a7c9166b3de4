"""Fill the README's figures from recordings: ``python -m benchmarks readme RESULTS.json``.

Or from the folder of a ``fastpc reproduce``: ``python -m benchmarks readme DIR``; a page in ``docs/`` shows it too.
Between ``<!-- figures: NAME -->`` and ``<!-- /figures -->`` stands what `BLOCKS` makes of a recording; no figure is
typed by hand.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks import results
from benchmarks.errors import BenchmarkError
from benchmarks.mnist import CHECKOUT
from benchmarks.report import FIGURES, also, machine_line, markdown, table_rows
from benchmarks.reproduced import copy_figures, load, reproduced, sampled
from benchmarks.results import measurements

README = CHECKOUT / "README.md"
DOCS = CHECKOUT / "docs" / "reproduce.md"
COMMAND = "python -m benchmarks record"

ABOUT_FRACTIONS = (
    "*Roofline fraction*: what a plain dense implementation would multiply, over time, over the speed of this "
    "machine's own matrix product beside it. Workloads and protocol are in `benchmarks/`."
)
ABOUT_RACES = (
    "*Residual*: the largest state gradient where relaxation ends, as a part of that where it starts. "
    "*Cosine*: between PC's weight gradient and backpropagation's."
)


def speed(record: dict[str, Any]) -> str:
    """Return the chart, the table, the race, the machine and the command."""
    rows = [[f"**{row[0]}**" if row[1] == "fastpc" else "", *row[1:]] for row in table_rows(record)[1:]]
    parts = [
        "![Training samples per second of fastpc and others, and roofline fractions](docs/figures/comparison.png)",
        markdown([["workload", "", "samples/s", "fastpc is faster", "roofline fraction", "bar"], *rows]),
        ABOUT_FRACTIONS,
    ]
    if record.get("race"):
        parts += [
            "![Seconds of training until the test accuracy](docs/figures/race.png)",
            markdown(race_rows(record["race"])),
            ABOUT_RACES,
        ]
    parts.append("![Roofline fractions over the recorded commits](docs/figures/history.png)")
    if others := also(record):
        parts.append("\n".join(f"- {line}" for line in others.splitlines()))
    if any(not item.steady for item in measurements(record)):
        parts.append("~: the machine was not steady meanwhile.")
    parts.append(f"Measured on {machine_line(record)}, by `{record.get('command', COMMAND)}`.")
    return "\n\n".join(parts)


def race_rows(found: dict[str, Any]) -> list[list[str]]:
    """Return the table of the race to an accuracy, the header first."""
    targets = list(next(iter(found.values()))["train_seconds"])
    header = ["784-256-256-10", "rule"]
    header += [f"s of training to {float(target):.0%}" for target in targets]
    rows = [[*header, f"s from process start to {float(targets[-1]):.0%}", "residual", "cosine"]]
    for name, entry in found.items():
        rule, steps = entry["settings"]["rule"], entry["settings"]["steps"]
        relaxed = [run["relaxation"] for run in entry["runs"] if "relaxation" in run]
        times = [entry["train_seconds"][target] for target in targets] + [entry["total_seconds"][targets[-1]]]
        about = [f"{mean(item[key] for item in relaxed):.3f}" if relaxed else "" for key in ("residual", "cosine")]
        shown = ["not reached" if seconds is None else f"{seconds:.1f}" for seconds in times]
        cold = entry.get("with_empty_cache", {}).get(targets[-1])
        shown[-1] += "" if cold is None else f", {cold:.1f} where it compiles"
        rows.append([name, f"PC, {steps} steps" if rule == "pc" else rule, *shown, *about])
    return rows


def train(record: dict[str, Any]) -> str:
    """Return what the default training run reaches."""
    found = record["train"]
    runs = found["runs"]
    accuracies = ", ".join(f"{run['test_accuracy']:.2%}" for run in runs)
    first = runs[0]
    return (
        f"`{found['command']}` trains {'-'.join(map(str, first['layers']))} for {first['epochs']} epochs: "
        f"**{found['test_accuracy']:.2%}** of MNIST's test images after the last epoch ({accuracies} with "
        f"{len(runs)} seeds) in **{found['train_seconds']:.1f} s** of training, on {machine_line(record)}."
    )


BLOCKS: dict[str, tuple[Callable[[dict[str, Any]], str], str]] = {
    "speed": (speed, "benchmarks"),
    "train": (train, "train"),
    "reproduced": (reproduced, "reproduced"),
    "sampled": (sampled, "sampled"),
}
"""By name: what fills the block, and the part of a recording it needs."""


def fill(text: str, record: dict[str, Any]) -> str:
    """Return the README's text with every block filled that the recording has figures for.

    Raises
    ------
    BenchmarkError
        If a block has a name that nothing fills.
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in BLOCKS:
            raise BenchmarkError(f"expected a block of figures among {', '.join(BLOCKS)}, got {name}; rename it")
        make, part = BLOCKS[name]
        if not record.get(part):
            return match[0]
        return f"<!-- figures: {name} -->\n{make(record)}\n<!-- /figures -->"

    pattern = r"<!-- figures: (?P<name>[a-z-]+) -->\n.*?<!-- /figures -->"
    return re.sub(pattern, block, text, flags=re.DOTALL)


def main(arguments: list[str]) -> None:
    """Fill the README and draw its charts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks readme", description=__doc__)
    parser.add_argument("recording", metavar="RESULTS.json|DIR")
    parser.add_argument("--pages", type=Path, nargs="+", default=(README, DOCS))
    parser.add_argument("--figures", type=Path, default=FIGURES, help="folder for the charts")
    options = parser.parse_args(arguments)
    folder = Path(options.recording)
    if folder.is_dir():
        record = load(folder)
        copy_figures(folder, options.figures)
    else:
        record = results.load(options.recording)
        if record.get("quick"):
            raise BenchmarkError("expected a whole recording for the README, got a quick one; record without --quick")
        from benchmarks import charts

        charts.draw_all(record, options.figures)
    for page in options.pages:
        page.write_text(fill(page.read_text(encoding="utf-8"), record), encoding="utf-8")
    print(f"filled {', '.join(map(str, options.pages))}, drew {options.figures}")
