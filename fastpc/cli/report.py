"""How a training run went: a table for people, or one JSON object for programs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from fastpc.cli.output import percent, print_json, print_table
from fastpc.reproductions import REPRODUCTIONS

if TYPE_CHECKING:
    from fastpc.cli.result import Result
    from fastpc.evaluation import Evaluation
    from fastpc.presets import Preset


def report(result: "Result", *, as_json: bool, quiet: bool) -> None:
    """Print the result in the form asked for."""
    if as_json:
        print_json(as_record(result))
    elif quiet:
        typer.echo(" ".join(measured(result.evaluation, result.preset)))
    else:
        print_table("Training is done", as_rows(result))


def as_record(result: "Result") -> dict[str, Any]:
    """Return every figure of the run by name, for programs."""
    history, preset, network = result.history, result.preset, result.network
    last = history.epochs[-1]
    return asdict(preset) | {
        "test_accuracy": result.evaluation.accuracy,
        "test_loss": result.evaluation.loss,
        "train_accuracy": last.accuracy,
        "validation_accuracy": last.validation_accuracy,
        "energy": last.energy,
        "epochs": len(history.epochs),
        "samples_seen": history.samples_seen,
        "train_seconds": history.train_seconds,
        "compile_seconds": history.compile_seconds,
        "samples_per_second": history.samples_seen / history.train_seconds,
        "data": result.data_name,
        "layers": network.sizes,
        "activations": network.activations,
        "loss": network.loss,
        "dtype": network.dtype,
        "seed": result.seed,
        "parameters_sha256": network.parameters_sha256(),
        "out": result.out,
    }


def as_rows(result: "Result") -> dict[str, str]:
    """Return what people want to know, in words."""
    history, preset, network = result.history, result.preset, result.network
    last = history.epochs[-1]
    speed = history.samples_seen / history.train_seconds
    name, value = measured(result.evaluation, preset)
    rows = {name: f"{value}, after the last epoch"}
    if last.accuracy is not None:
        rows["training accuracy"] = f"{percent(last.accuracy)}, as the last epoch went by"
    if last.validation_accuracy is not None:
        rows["validation accuracy"] = percent(last.validation_accuracy)
    rows |= {
        "energy": f"{sum(last.energy):.4f} per sample, mean of the last epoch",
        "training time": f"{history.train_seconds:.2f} s for {len(history.epochs)} epochs, {speed:,.0f} samples/s",
        "compilation": f"{history.compile_seconds:.2f} s",
        "data": result.data_name,
        "network": f"{network!r}, {network.n_parameters:,} parameters",
        "rule": (f"{preset.rule}, {preset.steps} steps of {preset.step_size}" if preset.step_size else preset.rule)
        + ("" if preset.nudge == "none" else f", {preset.nudge} nudge, beta {preset.beta:g}"),
        "optimiser": f"{preset.optimizer}, rate {preset.learning_rate:g}, {preset.schedule}, "
        f"batches of {preset.batch_size}",
    }
    if result.out is not None:
        rows["saved in"] = str(result.out)
    return rows


def measured(evaluation: "Evaluation", preset: "Preset") -> tuple[str, str]:
    """Return what the test set was measured for, in words."""
    if preset.direction == "unsupervised":
        return "test reconstruction error", f"{evaluation.loss:.4f}"
    return "test accuracy", percent(evaluation.accuracy)


def list_presets(*, as_json: bool) -> None:
    """Print every preset with a name: what it reproduces, and its settings for programs."""
    if as_json:
        print_json({name: asdict(found) for name, found in REPRODUCTIONS.items()})
    else:
        print_table("Presets", {name: found.about for name, found in REPRODUCTIONS.items()})
