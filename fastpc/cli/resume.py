"""``fastpc train --resume``: go on with the run in a folder."""

from pathlib import Path

import typer

from fastpc.cli.distributed import begin
from fastpc.cli.job import Job
from fastpc.cli.options import say
from fastpc.cli.run import MODEL
from fastpc.errors import ConfigurationError

# They change nothing of what a run learns.
BESIDE_RESUME = ("--threads", "--distributed", "--json", "--quiet")


def go_on(
    context: typer.Context, folder: Path, threads: int | None, distributed: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Go on with the run whose checkpoint is in `folder`, and print its result.

    Raises
    ------
    ConfigurationError
        If anything was given that could change the run's course.
    CheckpointError
        If there is no checkpoint, or one that is damaged or of other data.
    """
    from fastpc.training_checkpoint import Checkpoint

    _require_alone(context)
    if (model := folder / MODEL).exists() and not Checkpoint(folder).path.exists():
        say(f"The run in {folder} is finished, and there is no checkpoint to go on from; its model is {model}.")
        return
    ranks = begin(distributed)
    with ranks.together():
        job = Job.of_folder(folder, threads, ranks)
    job.run_and_report(as_json=as_json, quiet=quiet)


def _require_alone(context: typer.Context) -> None:
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if (source := context.get_parameter_source(str(parameter.name))) is not None and source.name == "COMMANDLINE"
    ]
    if others := [option for option in given if option not in ("--resume", *BESIDE_RESUME)]:
        raise ConfigurationError(
            f"expected --resume alone, as the run has its settings, got {', '.join(others)}; leave out all but "
            f"{', '.join(BESIDE_RESUME)}"
        )
