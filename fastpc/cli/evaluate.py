"""``fastpc evaluate``: measure a saved network."""

import typer

from fastpc.cli.options import DataOption, JsonOption, ModelArgument, QuietOption, ThreadsOption, warn

EXAMPLES = """
[bold]Examples[/bold]

fastpc evaluate run                   the model that train --out run left

fastpc evaluate run --data my.npz     other data

fastpc evaluate run --json            a result for programs
"""


def evaluate(
    model: ModelArgument,
    data: DataOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure a saved network on a test set.

    Labels are compared with the predictions once all of these are made.
    """
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import print_json, print_table
    from fastpc.cli.report import measured
    from fastpc.cli.saved import Saved
    from fastpc.data import find

    saved = Saved(model, threads)
    network = saved.network
    _, test = find(saved.source if data == "auto" else data, warn=warn)
    with CompileNotice():
        evaluation = saved.evaluate(test)
    if as_json:
        record = {
            "test_accuracy": evaluation.accuracy,
            "loss": evaluation.loss,
            "confusion": evaluation.confusion,
            "samples": len(test),
            "data": test.name,
            "layers": network.sizes,
            "parameters_sha256": network.parameters_sha256(),
        }
        print_json(record)
    elif quiet:
        typer.echo(" ".join(measured(evaluation, saved.preset)))
    else:
        rows = dict([measured(evaluation, saved.preset)])
        if evaluation.accuracy is not None:
            rows["loss"] = f"{evaluation.loss:.4f} per sample"
        rows |= {
            "data": f"{test.name}, {len(test):,} test samples",
            "network": f"{network!r}, {network.n_parameters:,} parameters",
        }
        print_table("Evaluation", rows)
