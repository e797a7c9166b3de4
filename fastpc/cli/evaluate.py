"""``fastpc evaluate``: measure a saved network."""

from pathlib import Path
from typing import Annotated

import typer

from fastpc.cli import build
from fastpc.cli.options import (
    DataOption,
    JsonOption,
    QuietOption,
    ThreadsOption,
    model_path,
    recorded_preset,
    recorded_source,
    warn,
)
from fastpc.cli.run import ENCODER

EXAMPLES = """
[bold]Examples[/bold]

fastpc evaluate run                                  the model that train --out run left

fastpc evaluate run/model.safetensors --data my.npz  other data

fastpc evaluate run --json                           a result for programs
"""


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A saved model, or the folder that train wrote."),
    ],
    data: DataOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure a saved network on a test set.

    Labels are compared with the predictions once all of these are made.
    """
    from fastpc.checkpoint import kind_of_network
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import percent, print_json, print_table
    from fastpc.data import find
    from fastpc.evaluation import evaluate as measure
    from fastpc.network import PCNetwork
    from fastpc.trainer import Trainer

    path = model_path(model)
    network = kind_of_network(path).load(path)
    _, test = find(recorded_source(model) if data == "auto" else data, warn=warn)
    with CompileNotice():
        image_on_top = network.initializer == "notebook" and network.sizes[-1] == test.n_features
        if isinstance(network, PCNetwork) and image_on_top:
            # Trained by the notebook's rule: the label on top, the image below.
            from fastpc.notebook import evaluate as recognise

            evaluation = recognise(network, test)
        elif (preset := recorded_preset(model)).direction != "discriminative":
            # By relaxing, as its rule says.
            encoder = PCNetwork.load(model / ENCODER) if preset.rule == "hybrid" else None
            evaluation = Trainer(network, build.rule(preset, encoder), threads=threads).evaluate(test)
        else:
            evaluation = measure(network, test, threads=threads)
    if as_json:
        record = {
            "test_accuracy": evaluation.accuracy,
            "loss": evaluation.loss,
            "confusion": evaluation.confusion,
            "samples": len(test),
            "data": test.name,
            "layers": network.sizes,
        }
        print_json(record)
    elif quiet:
        typer.echo(f"test accuracy {percent(evaluation.accuracy)}")
    else:
        rows = {
            "test accuracy": percent(evaluation.accuracy),
            "loss": f"{evaluation.loss:.4f} per sample",
            "data": f"{test.name}, {len(test):,} test samples",
            "network": f"{network!r}, {network.n_parameters:,} parameters",
        }
        print_table("Evaluation", rows)
