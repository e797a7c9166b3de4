"""``fastpc reproduce``: every figure to reach, run again and held to its bar."""

from pathlib import Path
from typing import Annotated

import typer

from fastpc.cli.options import DataOption, JsonOption, QuietOption, ThreadsOption, in_panel, say
from fastpc.reproductions import REPRODUCTIONS

EXAMPLES = """
[bold]Examples[/bold]

fastpc reproduce                 all presets, three seeds of each

fastpc reproduce pc-se ipc       two of them

fastpc reproduce --quick         few epochs, one seed, and looser bars

fastpc reproduce --out runs      keep runs, and repeat none that is there

[bold]Exit codes[/bold]  0 every bar is met, 1 some are not, 2 wrong use
"""


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="PRESET", help=f"{', '.join(REPRODUCTIONS)}; all by default."),
    ] = None,
    out: Annotated[
        Path,
        in_panel("Output", "Keep runs, table and curves here; finished runs are not repeated.", metavar="DIR"),
    ] = Path("reproduced"),
    seeds: Annotated[
        int | None,
        in_panel("Run", "Seeds of each preset.", metavar="N", show_default="3; 1 if quick"),
    ] = None,
    quick: Annotated[
        bool,
        in_panel("Run", "Three epochs, and bars 1.5 points lower.", "--quick"),
    ] = False,
    data: DataOption = "mnist",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train every preset on all of MNIST's training images, and hold the mean over seeds to its bar.

    The test accuracy is that of the final epoch, and nothing is chosen by it. DIR gets table.md, results.json,
    curves.json and, with matplotlib, curves.png. Of unsupervised presets, digits are sampled from the prior, drawn in
    sampled.png, and shown to a classifier.
    """
    from fastpc import plots
    from fastpc.checks import require_choice, require_whole
    from fastpc.cli.curves import write_curves
    from fastpc.cli.output import print_json
    from fastpc.cli.reproduction import reproduce as run
    from fastpc.cli.reproduction_table import as_results, print_rows, write_table
    from fastpc.cli.sampled import sample_unsupervised

    for name in names or ():
        require_choice("presets", name, tuple(REPRODUCTIONS))
    seeds = (1 if quick else 3) if seeds is None else seeds
    require_whole("fastpc reproduce", "--seeds", seeds, at_least=1)
    show = not quiet and not as_json
    rows = run(names or list(REPRODUCTIONS), out, seeds, quick=quick, source=data, threads=threads, show=show)
    results = as_results(rows, quick=quick)
    results["sampled"] = sample_unsupervised(rows, out, quick=quick, source=data, threads=threads, show=show)
    write_table(rows, results, out)
    write_curves(results, out)
    if show and not plots.available():
        say("No matplotlib: the learning curves are in curves.json alone; pip install fastpc[plots] draws them.")
    if as_json:
        print_json(results)
    else:
        print_rows(rows)
    if not all(row.met for row in rows):
        raise typer.Exit(1)
