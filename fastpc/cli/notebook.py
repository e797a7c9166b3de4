"""``fastpc notebook``: the notebook that fastpc grew from, run again to the digit."""

import typer

from fastpc.cli.options import DataOption, JsonOption, QuietOption, warn

EXAMPLES = """
[bold]Examples[/bold]

fastpc notebook                  what it printed, and the honest figure

fastpc notebook --json           the same for programs
"""

DIFFERENCE = (
    "The notebook's 100% reads the answer back: each label is clamped while the states settle and "
    "is then compared with the state it was clamped to; the honest figure clamps the image alone."
)


def notebook(data: DataOption = "mnist", as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Run the original notebook's own procedure, and say what its figure means.

    It takes the first 64 training images, with seed 0, in float64.
    """
    import numpy as np

    from fastpc import notebook as original
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import percent, print_json
    from fastpc.data import find

    train, _ = find(data, warn=warn)
    with CompileNotice():
        result = original.run(train)
    if as_json:
        record = {
            "accuracy": result.accuracy,
            "honest_accuracy": result.honest_accuracy,
            "probabilities": result.probabilities,
        }
        print_json(record)
        return
    typer.echo(f"Batch Accuracy: {result.accuracy * 100:.2f}%")
    if not quiet:
        typer.echo("softmax(x2):")
        with np.printoptions(precision=8, threshold=result.probabilities.size):
            typer.echo(repr(result.probabilities))
    typer.echo(f"Honest accuracy: {percent(result.honest_accuracy)}")
    if not quiet:
        typer.echo(DIFFERENCE)
