"""Learning curves of reproduced presets: their numbers as JSON, and a chart where matplotlib is at hand."""

import json
from pathlib import Path
from typing import Any

COLUMNS = 3
DPI = 160
LEAST = 1e-5
# Okabe and Ito's, which the colour-blind tell apart.
TRAINING, TEST = "#0072B2", "#D55E00"


def curves_of(results: dict[str, Any]) -> dict[str, Any]:
    """Return each preset's curves, a list for each seed: the training error as each epoch went by.

    Parameters
    ----------
    results : dict
        What `fastpc.cli.reproduction_table.as_results` made.

    Returns
    -------
    dict
        By preset: ``training_error``, a list of errors for each seed; ``test_error``, each seed's after the final
        epoch; ``bar``, the largest test error to end with.
    """
    return {
        name: {
            "training_error": [[1 - epoch["accuracy"] for epoch in run["metrics"]] for run in found["runs"] if run],
            "test_error": [1 - accuracy for accuracy in found["test_accuracies"]],
            "bar": 1 - found["bar"],
        }
        for name, found in results["presets"].items()
    }


def write_curves(results: dict[str, Any], folder: Path) -> bool:
    """Write ``curves.json``, and ``curves.png`` where matplotlib can be imported; return whether it could."""
    curves = curves_of(results)
    (folder / "curves.json").write_text(json.dumps(curves) + "\n", encoding="utf-8")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = -(-len(curves) // COLUMNS)
    figure = Figure(figsize=(8.4, 0.8 + 1.6 * rows), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (name, curve) in zip(panels, curves.items(), strict=False):
        _draw(axes, name, curve)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("error", fontsize=9)
    # No date and no version inside: the same figures give the same file.
    figure.savefig(folder / "curves.png", dpi=DPI, metadata={"Software": None})
    return True


def _draw(axes: Any, name: str, curve: dict[str, Any]) -> None:
    from matplotlib.ticker import PercentFormatter

    texts = ("training, as the epoch goes by", "test, after the final one")
    for k, (errors, error) in enumerate(zip(curve["training_error"], curve["test_error"], strict=True)):
        over, after = texts if k == 0 else (None, None)
        # A logarithm has no place for none wrong.
        shown = [max(wrong, LEAST) for wrong in errors]
        axes.plot(range(1, len(errors) + 1), shown, color=TRAINING, linewidth=1, label=over)
        axes.plot(len(errors), max(error, LEAST), "D", color=TEST, markersize=4, label=after)
    axes.axhline(curve["bar"], color="black", linewidth=0.9, linestyle="--", label="bar: to end below")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_title(name, loc="left", fontsize=9, fontweight="bold")
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
