"""What ``fastpc reproduce --out DIR`` reached, for pages: its blocks and its pictures."""

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.report import markdown
from fastpc.structure import describe_sizes

HEADER = ["preset", "", "network", "bar", "published", "reached", "of each seed", "s of training"]


def load(folder: Path) -> dict[str, Any]:
    """Return a folder's results, as the parts ``reproduced`` and ``sampled`` of a record.

    Raises
    ------
    BenchmarkError
        Unless they are those of whole runs that met every bar.
    """
    path = folder / "results.json"
    if not path.is_file():
        raise BenchmarkError(f"expected results.json in {folder}, got none; run fastpc reproduce --out {folder} first")
    results = json.loads(path.read_text(encoding="utf-8"))
    if results["quick"] or not results["met"]:
        raise BenchmarkError("expected whole runs that met every bar, got others; run fastpc reproduce without --quick")
    return {"reproduced": results, "sampled": results.get("sampled")}


def reproduced(record: dict[str, Any]) -> str:
    """Return a line for each preset, and what all was measured on."""
    results = record["reproduced"]
    rows = [HEADER]
    for name, found in results["presets"].items():
        shown = "{:.2%}" if found["measure"] == "test accuracy" else "{:.3f}"
        rows.append(
            [
                f"`{name}`",
                found["about"],
                describe_sizes(found["runs"][0]["layers"]),
                shown.format(found["bar"]),
                "" if found["published"] is None else shown.format(found["published"]),
                f"**{shown.format(found['mean'])}**",
                ", ".join(map(shown.format, found["values"])),
                f"{found['train_seconds'] / len(found['values']):.0f}",
            ]
        )
    runs = [run for found in results["presets"].values() for run in found["runs"]]
    processors = " and ".join(sorted({f"{run['processor']}, {run['threads']} threads" for run in runs}))
    about = (
        "Test accuracy, or reconstruction error, after the *final* epoch: the mean over seeds. Published figures are "
        "those of the *best* epoch. Seconds are those of one seed. "
        f"By `fastpc reproduce` of fastpc {results['fastpc']}, on {processors}."
    )
    return f"{markdown(rows, left=3)}\n\n{about}"


def sampled(record: dict[str, Any]) -> str:
    """Return how many digits sampled from the prior a classifier recognises, and how many of what is no digit."""
    found = record["sampled"]
    rows = [[f"{found['samples']:,} images each", f"recognised with p > {found['confident']:g}"]]
    rows += [[origin, f"{part:.1%}"] for origin, part in found["recognised"].items()]
    classes = ", ".join(f"{n:,} as {k}" for k, n in enumerate(found["classes"]))
    about = (
        f"`{found['classifier']}`, seed 0, judges. From the prior: the mean over {len(found['seeds'])} seeds "
        f"({', '.join(f'{part:.1%}' for part in found['seeds'])}); the first one's are recognised {classes}. "
        "Principal components, as many, are drawn from the Gaussian that the training images have; shuffled are the "
        "pixels of each test image, to show how much confidence means. The first network's latents of test images "
        f"deviate by {found['deviation']:.2f} from 0, where the prior's deviate by 1."
    )
    return f"{markdown(rows)}\n\n{about}"


FIGURES = {"curves.png": "learning.png", "curves.json": "learning.json", "sampled.png": "sampled.png"}


def copy_figures(folder: Path, figures: Path) -> None:
    """Copy the learning curves, drawn and as numbers, and the sampled digits where there are any."""
    figures.mkdir(parents=True, exist_ok=True)
    for name, shown in FIGURES.items():
        if (folder / name).is_file():
            shutil.copyfile(folder / name, figures / shown)
