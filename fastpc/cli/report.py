"""How a training run went: a table for people, or one JSON object for programs."""

import hashlib
from typing import TYPE_CHECKING, Any

import typer

from fastpc.cli.output import percent, print_json, print_table

if TYPE_CHECKING:
    from fastpc.cli.job import Result
    from fastpc.network import PCNetwork


def report(result: "Result", *, as_json: bool, quiet: bool) -> None:
    """Print the result in the form asked for."""
    if as_json:
        print_json(as_record(result))
    elif quiet:
        typer.echo(f"test accuracy {percent(result.evaluation.accuracy)}")
    else:
        print_table("Training is done", as_rows(result))


def as_record(result: "Result") -> dict[str, Any]:
    """Return every figure of the run by name, for programs."""
    history, preset, network = result.history, result.preset, result.network
    last = history.epochs[-1]
    return {
        "test_accuracy": result.evaluation.accuracy,
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
        "rule": preset.rule,
        "steps": preset.steps,
        "step_size": preset.step_size,
        "momentum": preset.momentum,
        "nudge": preset.nudge,
        "beta": preset.beta,
        "beta_growth": preset.beta_growth,
        "optimizer": preset.optimizer,
        "learning_rate": preset.learning_rate,
        "schedule": preset.schedule,
        "batch_size": preset.batch_size,
        "seed": result.seed,
        "parameters_sha256": parameters_digest(network),
        "out": result.out,
    }


def as_rows(result: "Result") -> dict[str, str]:
    """Return what people want to know, in words."""
    history, preset, network = result.history, result.preset, result.network
    last = history.epochs[-1]
    speed = history.samples_seen / history.train_seconds
    rows = {
        "test accuracy": f"{percent(result.evaluation.accuracy)}, after the last epoch",
        "training accuracy": f"{percent(last.accuracy)}, as the last epoch went by",
    }
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


def parameters_digest(network: "PCNetwork") -> str:
    """Return the SHA-256 of all parameters: W_1, b_1, W_2, … in C order, little-endian."""
    digest = hashlib.sha256()
    for weights, biases in zip(network.weights, network.biases, strict=True):
        for array in (weights, biases):
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()
