"""The Typer application, and what becomes of errors: one sentence and an exit code."""

import errno
import inspect
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from fastpc import __version__
from fastpc.cli import distributed
from fastpc.cli.bench import bench
from fastpc.cli.evaluate import evaluate
from fastpc.cli.generate import generate
from fastpc.cli.info import info
from fastpc.cli.notebook import notebook
from fastpc.cli.plot import plot
from fastpc.cli.predict import predict
from fastpc.cli.reproduce import reproduce
from fastpc.cli.train import train
from fastpc.cli.tune import tune
from fastpc.cli.warmup import warmup
from fastpc.errors import DivergenceError, FastPCError, WorkerError

FAILED, WRONG_USE, INTERRUPTED, TERMINATED = 1, 2, 130, 143
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

EXAMPLES = """
[bold]Examples[/bold]

fastpc train               train the default network on MNIST

fastpc train --out run     … and keep the model, the metrics and the settings

fastpc tune                search for settings, on a part held out

fastpc evaluate run        measure it again

fastpc plot run            look at what it learned

fastpc predict run x.npy   ask it what images are

fastpc train --help        all options of a command, with examples

[bold]Exit codes[/bold]  0 done, 1 failed (diverged, say), 2 wrong use, 130 interrupted,
143 terminated
"""


def _without_types(parameters: list[Any]) -> list[Any]:
    """Say nothing of Python's types in the help: <bool> beside a switch, <list[Path]> beside what its name says."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) or parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""
    return parameters


class Command(TyperCommand):
    """A command whose help is for people."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """All commands, whose help is for people."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters."""
        return _without_types(super().get_params(ctx))


app = typer.Typer(
    name="fastpc",
    cls=Group,
    help="Train predictive coding networks, fast, on the processor you have.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, tune, evaluate, predict, generate, plot, notebook, reproduce, bench, warmup, info):
    # Typer would keep the source's line breaks, in the middle of a sentence.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    app.command(cls=Command, help=text, epilog=getattr(sys.modules[command.__module__], "EXAMPLES", None))(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fastpc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands behind ``fastpc``; by default, the arguments of this process.

    Returns
    -------
    int
        The exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted, 143 terminated.
    """
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="fastpc", standalone_mode=False)
    except (DivergenceError, WorkerError) as error:
        return _complain(str(error), FAILED)
    except FastPCError as error:
        # Room that ran out as a file was written is no one's wrong use.
        ran_out = isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_ROOM
        return _complain(str(error), FAILED if ran_out else WRONG_USE)
    except MemoryError as error:
        return _complain(f"expected a run that fits into memory, got none left ({error or 'out of memory'})", FAILED)
    except OSError as error:
        # A full disk, say, in the middle of a run.
        return _complain(f"expected to read and write files as the run goes on, got a failure ({error})", FAILED)
    except typer.Abort:
        return _complain("interrupted", INTERRUPTED)
    except SystemExit as stop:
        if stop.code != TERMINATED:
            raise
        return _complain("terminated", TERMINATED)
    except Exception as error:
        # Typer's own errors: an unknown option, no number where one is due.
        if not (hasattr(error, "format_message") and hasattr(error, "exit_code")):
            distributed.end(error)
            raise
        hint = "see fastpc --help"
        if context := getattr(error, "ctx", None):
            hint = f"see {context.command_path} --help"
        if message := error.format_message().rstrip("."):  # none after ``fastpc`` alone: help it is
            _complain(f"{message}; {hint}", WRONG_USE)
        return int(error.exit_code)
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    error = sys.exception()
    if distributed.speaks(error):
        message = " ".join(message.split()).rstrip(".")
        typer.secho(f"fastpc: {message}.", err=True, fg=typer.colors.RED)
    distributed.end(error)
    return code
