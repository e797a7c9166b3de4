"""Learning curves of reproduced presets: their numbers as JSON, and a chart where matplotlib is at hand."""

import json
from pathlib import Path
from typing import Any

from fastpc import plots


def curves_of(results: dict[str, Any]) -> dict[str, Any]:
    """Return each preset's curves, a list for each seed, of what has to become small.

    Parameters
    ----------
    results : dict
        What `fastpc.cli.reproduction_table.as_results` made.

    Returns
    -------
    dict
        By preset: ``training``, for each seed the part of the samples that was wrong as each epoch went by, or the
        energy where nothing is recognised then; ``test``, each seed's error after the final epoch; ``bar``, the largest
        to end with.
    """
    return {
        name: {
            "training": [[_wrong(epoch) for epoch in run["metrics"]] for run in found["runs"] if run],
            "test": [_error(found, value) for value in found["values"]],
            "bar": _error(found, found["bar"]),
        }
        for name, found in results["presets"].items()
    }


def _wrong(epoch: dict[str, Any]) -> float:
    return float(sum(epoch["energy"]) if epoch["accuracy"] is None else 1 - epoch["accuracy"])


def _error(found: dict[str, Any], value: float) -> float:
    return 1 - value if found["measure"] == "test accuracy" else value


def write_curves(results: dict[str, Any], folder: Path) -> None:
    """Write ``curves.json``, and ``curves.png`` where matplotlib is installed."""
    curves = curves_of(results)
    (folder / "curves.json").write_text(json.dumps(curves) + "\n", encoding="utf-8")
    if plots.available():
        plots.save_figure(plots.preset_curves(curves), folder / "curves.png")
