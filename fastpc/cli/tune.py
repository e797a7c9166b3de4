"""``fastpc tune``: a search for settings, shared by as many processes and machines as there are."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fastpc.cli.options import DataOption, JsonOption, QuietOption, ThreadsOption, in_panel, parse_sizes, require_one
from fastpc.errors import ConfigurationError
from fastpc.presets import DEFAULT

EXAMPLES = """
[bold]Examples[/bold]

fastpc tune                             20 trials on MNIST, into tuned

fastpc train --config tuned/best.toml   train with the best one's settings

fastpc tune --rule pc --lr 0.0001:0.01 --search steps,step_size

fastpc tune --preset pc-se --search lr,steps --trials 50

fastpc tune --hidden 256,256 --epochs 3 --jobs 2

fastpc tune --storage postgresql://me@host/searches --study first

[bold]What is searched[/bold]

--lr 0.001          a value: fixed

--lr 0.0001:0.01    a range: searched

--rule pc,ipc       several values: searched

With neither, an option is searched over its default range if it has one,
with --search, --preset or --config only if --search names it.

[bold]Exit codes[/bold]  0 done, 1 no trial got to its end, 2 wrong use, 130 interrupted
"""


def tune(
    context: typer.Context,
    data: DataOption = "auto",
    rule: Annotated[
        str | None, in_panel("Searched", "Learning rules.", metavar="NAMES", show_default="pc,ipc,epc")
    ] = None,
    depth: Annotated[
        str | None, in_panel("Searched", "Number of hidden layers.", metavar="N|A:B", show_default="1:3")
    ] = None,
    width: Annotated[
        str | None, in_panel("Searched", "Size of every hidden layer.", metavar="N|A:B", show_default="64:512")
    ] = None,
    activation: Annotated[
        str | None,
        in_panel("Searched", "One for all layers.", metavar="NAMES", show_default="relu,leaky_relu,tanh,gelu"),
    ] = None,
    loss: Annotated[
        str | None,
        in_panel("Searched", "Of the output.", metavar="NAMES", show_default="squared_error,cross_entropy"),
    ] = None,
    steps: Annotated[
        str | None,
        in_panel("Searched", "Relaxation steps, of rules that relax.", metavar="N|A:B", show_default="2:12"),
    ] = None,
    step_size: Annotated[
        str | None,
        in_panel(
            "Searched", "Of a relaxation step; auto beside numbers.", metavar="N|A:B", show_default="auto,0.01:0.5"
        ),
    ] = None,
    lr: Annotated[
        str | None, in_panel("Searched", "Learning rate.", metavar="N|A:B", show_default="0.0001:0.01")
    ] = None,
    optimizer: Annotated[
        str | None, in_panel("Searched", "sgd asks for other rates.", metavar="NAMES", show_default="adam,adamw")
    ] = None,
    batch_size: Annotated[
        str | None,
        in_panel("Searched", "Samples for each update.", metavar="N|A:B", show_default="32,64,128,256"),
    ] = None,
    momentum: Annotated[str | None, in_panel("Searched if given values", "Of the states.", metavar="N|A:B")] = None,
    nudge: Annotated[
        str | None, in_panel("Searched if given values", "none, positive, negative, centred.", metavar="NAMES")
    ] = None,
    beta: Annotated[
        str | None, in_panel("Searched if given values", "How far the nudge goes.", metavar="N|A:B")
    ] = None,
    initializer: Annotated[str | None, in_panel("Searched if given values", "Of the weights.", metavar="NAMES")] = None,
    weight_decay: Annotated[
        str | None, in_panel("Searched if given values", "Of the optimiser.", metavar="N|A:B")
    ] = None,
    schedule: Annotated[
        str | None, in_panel("Searched if given values", "Of the learning rate.", metavar="NAMES")
    ] = None,
    warmup: Annotated[
        str | None, in_panel("Searched if given values", "The part in which the rate rises.", metavar="N|A:B")
    ] = None,
    search: Annotated[
        str | None,
        in_panel(
            "Search",
            "Search these alone, with commas between them; the others stay as they are.",
            metavar="NAMES",
            show_default="all with a default range",
        ),
    ] = None,
    preset: Annotated[
        str | None, in_panel("Fixed", "Take what is not searched from a preset of fastpc train.", metavar="NAME")
    ] = None,
    config: Annotated[
        Path | None, in_panel("Fixed", "Take what is not searched from a file or a run's folder.", metavar="FILE")
    ] = None,
    epochs: Annotated[
        int | None, in_panel("Fixed", "Of a trial that is not pruned.", metavar="N", show_default=str(DEFAULT.epochs))
    ] = None,
    hidden: Annotated[
        str | None, in_panel("Fixed", "The hidden sizes, in place of depth and width.", metavar="SIZES")
    ] = None,
    direction: Annotated[
        str | None, in_panel("Fixed", "discriminative or generative.", metavar="NAME", show_default=DEFAULT.direction)
    ] = None,
    dtype: Annotated[
        str | None, in_panel("Fixed", "float32 or float64.", metavar="NAME", show_default=DEFAULT.dtype)
    ] = None,
    residual: Annotated[bool | None, in_panel("Fixed", "Skip connections.", "--residual")] = None,
    scaling: Annotated[str | None, in_panel("Fixed", "mupc, of a residual network.", metavar="NAME")] = None,
    beta_growth: Annotated[float | None, in_panel("Fixed", "Added to beta with every epoch.", metavar="N")] = None,
    trials: Annotated[
        int,
        in_panel("Search", "How many the study is to have, of all workers, earlier ones too.", metavar="N"),
    ] = 20,
    timeout: Annotated[
        float | None, in_panel("Search", "Begin no trial after so many seconds.", metavar="SECONDS")
    ] = None,
    pruner: Annotated[
        str, in_panel("Search", "What ends trials that fall behind: median, halving or none.", metavar="NAME")
    ] = "median",
    validation: Annotated[
        float | None,
        in_panel(
            "Data", "The part of the training set that trials are held to.", metavar="FRACTION", show_default="0.1"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        in_panel("Run", "Of weights, shuffling, hold-out and of what is drawn.", metavar="N", show_default="0"),
    ] = None,
    jobs: Annotated[int, in_panel("Run", "Worker processes, each with its share of threads.", metavar="N")] = 1,
    threads: ThreadsOption = None,
    out: Annotated[
        Path,
        in_panel("Output", "best.toml, trials.csv, pictures, and the study if it has no --storage.", metavar="DIR"),
    ] = Path("tuned"),
    storage: Annotated[
        str | None,
        in_panel("Output", "A database in which machines share the study.", metavar="URL", show_default="DIR/study.db"),
    ] = None,
    study: Annotated[str, in_panel("Output", "Its name in the database.", metavar="NAME")] = "fastpc",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Search for the settings that recognise most of a part of the training set, held out.

    The test set takes no part: it is not even read. A search that was stopped goes on where the same command is given
    again, and on as many machines as have its database.
    """
    from fastpc import build
    from fastpc.cli import configuration
    from fastpc.cli.options import warn
    from fastpc.cli.tuning import run
    from fastpc.data import find_training
    from fastpc.tuning import Search, space_of
    from fastpc.tuning.space import GIVEN, SEARCHABLE

    require_one("--preset", preset, "--config", config)
    said = {} if config is None else configuration.read(config)
    base = build.named(preset) if config is None else configuration.preset_of(said)
    texts = {name: context.params[name] for name in SEARCHABLE}
    if base is not None and search is None and not any(_opens(text) for text in texts.values()):
        given = "--preset" if config is None else "--config"
        raise ConfigurationError(
            f"expected --search or a range with {given}, to say which of its settings to search, got neither; add such "
            "as --search steps,lr"
        )
    fixed: dict[str, Any] = {name: context.params.get(name) for name in GIVEN if name not in SEARCHABLE}
    fixed["hidden"] = None if hidden is None else parse_sizes("--hidden", hidden)
    source = said.get("data", data) if data == "auto" else data
    space = space_of(base, texts, fixed, search)
    made = Search(
        space,
        find_training(source, warn=warn),
        trials,
        out,
        storage,
        study,
        said.get("validation", 0.1) if validation is None else validation,
        said.get("seed", 0) if seed is None else seed,
        pruner,
        timeout,
        jobs,
        threads,
    )
    run(made, source, as_json=as_json, quiet=quiet)


def _opens(text: str | None) -> bool:
    """Return whether an option asks for a search."""
    return text is not None and ("," in text or ":" in text)
