"""``fastpc train``: the main job."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from fastpc import build
from fastpc.cli import configuration
from fastpc.cli.distributed import begin
from fastpc.cli.job import Job
from fastpc.cli.options import (
    DataOption,
    DistributedOption,
    JsonOption,
    QuietOption,
    TensorBoardOption,
    ThreadsOption,
    by_rule,
    in_panel,
    parse_sizes,
    parse_step_size,
    require_one,
)
from fastpc.cli.report import list_presets
from fastpc.cli.resume import BESIDE_RESUME, go_on
from fastpc.errors import ConfigurationError
from fastpc.presets import DEFAULT, Preset
from fastpc.reproductions import REPRODUCTIONS

EXAMPLES = """
[bold]Examples[/bold]

fastpc train                               the default network on MNIST

fastpc train --out run                     keep model, metrics and settings

fastpc train --out run --checkpoint-every 5000

fastpc train --resume run                  go on with that after a crash

fastpc train --hidden 128 --epochs 3       one hidden layer, three epochs

fastpc train --layers 784,128,10 --batch-size 64 --steps 8

fastpc train --validation 0.1 --lr 0.001   tune on a part held out

fastpc train --direction generative        learn to draw digits

fastpc train --preset pc-se                a figure to reach; list names all

fastpc train --tensorboard logs            watch it in TensorBoard, in logs

fastpc train --config run --seed 1         a run once more, with another seed

fastpc train --data digits --json          small data, a result for programs

mpiexec -n 2 fastpc train --distributed mpi
"""

# What options of the same names say, but for the rule.
SETTINGS = tuple(field.name for field in fields(Preset) if field.name != "rule")


def train(
    context: typer.Context,
    data: DataOption = "auto",
    layers: Annotated[
        str | None, in_panel("Network", "All layer sizes, such as 784,256,256,10.", metavar="SIZES")
    ] = None,
    hidden: Annotated[
        str | None,
        in_panel(
            "Network",
            "The hidden sizes alone; the data says the others. none for no hidden layer.",
            metavar="SIZES",
            show_default=",".join(map(str, DEFAULT.hidden)),
        ),
    ] = None,
    activation: Annotated[
        str | None,
        in_panel(
            "Network",
            "Of the hidden layers: identity, relu, leaky_relu, tanh, sigmoid, gelu, silu or hard_tanh; or one for "
            "each, with commas between them.",
            metavar="NAME",
            show_default=",".join(DEFAULT.activation),
        ),
    ] = None,
    loss: Annotated[
        str | None,
        in_panel("Network", "Of outputs: squared_error or cross_entropy.", metavar="NAME", show_default=DEFAULT.loss),
    ] = None,
    dtype: Annotated[
        str | None,
        in_panel("Network", "Of all numbers: float32 or float64.", metavar="NAME", show_default=DEFAULT.dtype),
    ] = None,
    initializer: Annotated[
        str | None,
        in_panel(
            "Network",
            "Of the weights: orthogonal, he_normal, he_uniform, glorot_normal or glorot_uniform.",
            metavar="NAME",
            show_default=DEFAULT.initializer,
        ),
    ] = None,
    residual: Annotated[
        bool | None,
        in_panel(
            "Network",
            "Skip connections between hidden layers, all of one size, so that very deep networks learn.",
            "--residual",
        ),
    ] = None,
    scaling: Annotated[
        str | None,
        in_panel(
            "Network",
            "Of a residual network: mupc scales every layer, so that the same rates serve all depths.",
            metavar="NAME",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        in_panel(
            "Learning",
            f"All settings at once, for a figure to reach: {', '.join(REPRODUCTIONS)}. Any other option goes before "
            "it. list says what they are.",
            metavar="NAME",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        in_panel(
            "Learning",
            "All settings from a file in TOML, such as the config.toml of a run, or from a run's folder. Any other "
            "option goes before it.",
            metavar="FILE",
        ),
    ] = None,
    rule: Annotated[
        str | None,
        in_panel(
            "Learning",
            "How to learn: pc; ipc, whose weights move in every step; epc, which relaxes in the errors, for deep "
            "networks; fpa and zil, predictive coding on its way to backpropagation; backprop itself; bpc, in both "
            "directions at once, to recognise and to generate; hybrid, generative with a network that guesses where "
            "relaxation ends; or notebook, the seed notebook's own, stable with auto steps only.",
            metavar="NAME",
            show_default=DEFAULT.rule,
        ),
    ] = None,
    direction: Annotated[
        str | None,
        in_panel(
            "Learning",
            "discriminative; generative, labels below and images on top, recognised by relaxing; or unsupervised, "
            "latents below images.",
            metavar="NAME",
            show_default=DEFAULT.direction,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        in_panel(
            "Learning",
            "Relaxation steps for each batch, of rules that relax.",
            metavar="N",
            show_default=by_rule("steps"),
        ),
    ] = None,
    step_size: Annotated[
        str | None,
        in_panel(
            "Learning",
            "Size of a relaxation step: a number, or auto, which pc, epc and notebook keep stable as weights grow.",
            metavar="SIZE",
            show_default=by_rule("step_size"),
        ),
    ] = None,
    momentum: Annotated[
        float | None,
        in_panel("Learning", "Momentum of pc's states in relaxation.", metavar="M", show_default=str(DEFAULT.momentum)),
    ] = None,
    nudge: Annotated[
        str | None,
        in_panel(
            "Learning",
            "Learn from a target near the prediction: none, positive, negative or centred.",
            metavar="KIND",
            show_default=DEFAULT.nudge,
        ),
    ] = None,
    beta: Annotated[
        float | None,
        in_panel("Learning", "How far the nudge goes, up to 1.", metavar="BETA", show_default=str(DEFAULT.beta)),
    ] = None,
    beta_growth: Annotated[
        float | None,
        in_panel("Learning", "Added to beta with every epoch.", metavar="N", show_default=str(DEFAULT.beta_growth)),
    ] = None,
    epochs: Annotated[
        int | None,
        in_panel("Learning", "How often to go through the data.", metavar="N", show_default=str(DEFAULT.epochs)),
    ] = None,
    batch_size: Annotated[
        int | None,
        in_panel(
            "Learning", "Samples for each update of the weights.", metavar="N", show_default=str(DEFAULT.batch_size)
        ),
    ] = None,
    lr: Annotated[
        float | None,
        in_panel("Learning", "Learning rate of the weights.", metavar="RATE", show_default=str(DEFAULT.learning_rate)),
    ] = None,
    optimizer: Annotated[
        str | None, in_panel("Learning", "sgd, adam or adamw.", metavar="NAME", show_default=DEFAULT.optimizer)
    ] = None,
    weight_decay: Annotated[
        float | None,
        in_panel(
            "Learning", "How the optimiser pulls weights to 0.", metavar="DECAY", show_default="0; 0.01 for adamw"
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        in_panel(
            "Learning",
            "How the learning rate changes: constant, step, cosine or warmup.",
            metavar="NAME",
            show_default=DEFAULT.schedule,
        ),
    ] = None,
    warmup: Annotated[
        float | None,
        in_panel(
            "Learning",
            "The part of the run in which the rate rises, of schedules cosine and warmup.",
            metavar="FRACTION",
            show_default="0; 0.1 for warmup",
        ),
    ] = None,
    validation: Annotated[
        float | None,
        in_panel("Data", "Hold out this part of the training set.", metavar="FRACTION"),
    ] = None,
    seed: Annotated[
        int | None, in_panel("Run", "Of weights, shuffling and hold-out.", metavar="N", show_default="0")
    ] = None,
    threads: ThreadsOption = None,
    distributed: DistributedOption = None,
    out: Annotated[
        Path | None,
        in_panel(
            "Output",
            "Write model.safetensors, metrics.jsonl, config.toml and curves.png here, over those of an earlier run.",
            metavar="DIR",
        ),
    ] = None,
    tensorboard: TensorBoardOption = None,
    checkpoint_every: Annotated[
        int | None,
        in_panel(
            "Output",
            "Every so many batches, keep the whole run in checkpoint.safetensors in --out, to resume from.",
            metavar="BATCHES",
            show_default="when stopped by Ctrl-C or SIGTERM alone",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        in_panel(
            "Output",
            "Go on with the run whose checkpoint is in this folder, to the bytes it would have ended with. Needs "
            f"nothing else; beside it may stand {', '.join(BESIDE_RESUME)}.",
            metavar="DIR",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a predictive coding network, by default on MNIST.

    The test accuracy is that of the final epoch. The test set takes no part in training.
    """
    if preset == "list":
        list_presets(as_json=as_json)
        return
    if resume is not None:
        go_on(context, resume, threads, distributed, as_json=as_json, quiet=quiet)
        return
    if checkpoint_every is not None and out is None:
        raise ConfigurationError("expected --out with --checkpoint-every, got none; name a folder for the checkpoints")
    require_one("--layers", layers, "--hidden", hidden)
    require_one("--preset", preset, "--config", config)
    said = {} if config is None else configuration.read(config)
    base = build.named(preset) if config is None else configuration.preset_of(said)
    given: dict[str, Any] = {name: context.params.get(name) for name in SETTINGS} | {
        "hidden": None if hidden is None else parse_sizes("--hidden", hidden),
        "activation": None if activation is None else tuple(name.strip() for name in activation.split(",")),
        "step_size": None if step_size is None else parse_step_size(step_size),
        "learning_rate": lr,
    }
    settings = build.chosen(base, rule, given)
    if layers is not None:
        sizes: tuple[int, ...] | None = parse_sizes("--layers", layers)
    else:
        # Other hidden layers, or other data, ask for other sizes.
        sizes = said.get("layers") if hidden is None and data == "auto" else None
    ranks = begin(distributed)
    with ranks.together():
        job = Job(
            settings, sizes, said.get("data", data) if data == "auto" else data,
            said.get("validation") if validation is None else validation, said.get("seed", 0) if seed is None else seed,
            threads, out, tensorboard, every=checkpoint_every, ranks=ranks,
        )  # fmt: skip
    job.run_and_report(as_json=as_json, quiet=quiet)
