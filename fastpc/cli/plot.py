"""``fastpc plot``: pictures of a run, or of several beside each other."""

from pathlib import Path
from typing import Annotated

import typer

from fastpc.cli.options import DataOption, JsonOption, QuietOption, ShapeOption, ThreadsOption, in_panel, parse_shape
from fastpc.errors import ConfigurationError

EXAMPLES = """
[bold]Examples[/bold]

fastpc plot run                   all pictures of a run, into its folder

fastpc plot run --only weights,confusion --format pdf

fastpc plot one two --out both    their learning curves in one picture

[bold]Pictures[/bold]

curves            error and energy, epoch by epoch

energy            of each layer, as states settle

weights           those that touch the image, as images

confusion         what it takes for what, and the surest mistakes

generated         images it makes, of networks that generate

reconstructions   images again from their latents, of unsupervised networks

comparison        learning curves of several runs
"""

FORMATS = ("png", "pdf", "svg")


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders that train wrote.", show_default=False)],
    only: Annotated[
        str | None,
        in_panel("Output", "These pictures alone, with commas between them.", metavar="NAMES", show_default="all"),
    ] = None,
    out: Annotated[
        Path | None,
        in_panel(
            "Output",
            "Where to write them.",
            metavar="DIR",
            show_default="the run's folder; of several, this one",
        ),
    ] = None,
    file_format: Annotated[str, in_panel("Output", "png, pdf or svg.", "--format", metavar="NAME")] = "png",
    data: DataOption = "auto",
    shape: ShapeOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    r"""Draw what a run learned, and how; or compare several runs.

    Needs matplotlib: pip install "fastpc\[plots]".
    """
    from fastpc import plots
    from fastpc.checks import require_choice
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import print_json
    from fastpc.cli.pictures import NAMES, compare, pictures
    from fastpc.plots.style import new_figure

    new_figure(1)  # where matplotlib is missing, that is said first
    require_choice("--format", file_format, FORMATS)
    names = NAMES if only is None else tuple(name.strip() for name in only.split(","))
    for name in names:
        require_choice("--only", name, NAMES)
    if len(runs) > 1 and only is not None:
        raise ConfigurationError("expected --only with one run, got several, which are compared; leave it out")
    if out is not None:
        _make_folder(out)  # before kernels compile and pictures are drawn, which takes time
    with CompileNotice():
        if len(runs) == 1:
            figures = pictures(runs[0], names, data, parse_shape(shape), threads)
        else:
            figures = {"comparison": compare(runs, data, threads)}
    if not figures:
        raise ConfigurationError(
            f"expected a run that {', '.join(names)} can be drawn of, got none in {str(runs[0])!r}; name others"
        )
    folder = out if out is not None else runs[0] if len(runs) == 1 else Path()
    folder = folder.parent if folder.is_file() else folder
    written = [folder / f"{name}.{file_format}" for name in figures]
    for path, figure in zip(written, figures.values(), strict=True):
        plots.save_figure(figure, path)
    if as_json:
        print_json({"pictures": written})
    elif not quiet:
        typer.echo("\n".join(map(str, written)))


def _make_folder(folder: Path) -> None:
    """Make the folder that pictures go to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"expected --out to be a folder that can be written to, got {str(folder)!r} ({error.strerror}); choose "
            "another"
        ) from error
