"""Options that several commands share, and what their values mean."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fastpc.errors import ConfigurationError
from fastpc.presets import BY_RULE


def in_panel(panel: str, text: str, *names: str, show_default: str = "", **more: Any) -> Any:
    """Return an option in a panel of the help; `show_default` says in words what happens without it."""
    if show_default:  # Typer would put words in parentheses
        text += rf" [dim]\[default: {show_default}][/dim]"
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=not show_default, **more)


ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="The folder that train wrote, or a saved model.", show_default=False)
]
DataOption = Annotated[
    str,
    in_panel(
        "Data",
        "auto, mnist, digits, or the path of a .npz file or a folder of IDX files. "
        "auto looks at FASTPC_DATA, then for Keras's MNIST, and falls back on digits.",
        metavar="SOURCE",
    ),
]
ThreadsOption = Annotated[
    int | None,
    in_panel(
        "Run",
        "Threads to compute with; results are the same with any number.",
        metavar="N",
        show_default="one for each core",
    ),
]
ShapeOption = Annotated[
    str | None,
    in_panel(
        "Data",
        "Height and width of an image, such as 32,24, and 3 for colours.",
        metavar="SIZES",
        show_default="a square",
    ),
]
DistributedOption = Annotated[
    str | None,
    in_panel(
        "Run",
        "mpi: the processes that mpiexec started train one network together, each on its part of every batch. The "
        "first one alone prints and writes. Needs fastpc\\[mpi].",
        metavar="HOW",
    ),
]
TensorBoardOption = Annotated[
    Path | None,
    in_panel("Output", "Write scalars, histograms and images for TensorBoard here.", metavar="DIR"),
]
JsonOption = Annotated[
    bool,
    in_panel("Output", "Print the result as one JSON object, alone on the last line of standard output.", "--json"),
]
QuietOption = Annotated[bool, in_panel("Output", "Print the result alone.", "--quiet", "-q")]


def by_rule(setting: str) -> str:
    """Return a setting's default in words, for every rule that has one."""
    defaults = {name: getattr(preset, setting) for name, preset in BY_RULE.items()}
    return ", ".join(f"{value} for {name}" for name, value in defaults.items() if value)


def require_one(first: str, value: object, second: str, other: object) -> None:
    """Raise unless at most one of two options was given.

    Raises
    ------
    ConfigurationError
        If both were.
    """
    if value is not None and other is not None:
        raise ConfigurationError(f"expected {first} or {second}, got both; leave one out")


def parse_sizes(option: str, text: str) -> tuple[int, ...]:
    """Read layer sizes such as ``784,256,10``; ``none`` and an empty text are no sizes.

    Raises
    ------
    ConfigurationError
        If a part is not a whole number above 0.
    """
    if text.strip().lower() in ("", "none"):
        return ()
    parts = [part.strip() for part in text.split(",")]
    # isdecimal, because int() also takes signs, underscores and spaces.
    if not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigurationError(
            f"expected {option} to be sizes above 0 with commas between them, got {text!r}; write them like 256,256"
        )
    return tuple(int(part) for part in parts)


def parse_classes(text: str | None, n: int) -> tuple[int, ...]:
    """Read classes such as ``3,1,4``; None is each of `n` once.

    Raises
    ------
    ConfigurationError
        If one is none of these.
    """
    if text is None:
        return tuple(range(n))
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() and int(part) < n for part in parts):
        raise ConfigurationError(
            f"expected --labels to be classes from 0 to {n - 1} with commas between them, got {text!r}; write them "
            "like 3,1,4"
        )
    return tuple(map(int, parts))


def parse_shape(text: str | None) -> tuple[int, ...] | None:
    """Read the shape of an image such as ``32,24``."""
    return None if text is None else parse_sizes("--shape", text)


def parse_step_size(text: str) -> float | Literal["auto"]:
    """Read the size of a relaxation step: a number, or ``auto``.

    Raises
    ------
    ConfigurationError
        If it is neither. The bounds of the number are the learning rule's to check.
    """
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"expected --step-size to be a number or auto, got {text!r}; try auto") from None


def warn(message: str) -> None:
    """Print a warning in plain sight, whether quiet or not."""
    typer.secho(f"fastpc: warning: {message}.", err=True, fg=typer.colors.YELLOW, bold=True)


def say(message: str) -> None:
    """Print a message that is not a part of the result."""
    typer.echo(message, err=True)
