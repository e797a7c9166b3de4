"""Settings of the races, chosen on a validation split: ``python -m benchmarks choose NAME…``.

The learning rate falls from epoch to epoch, as half a cosine over the epochs planned, the same for everyone.
The split is fixed: the last 10,000 of MNIST's 60,000 training images are held out, seed 0. Of a small grid, the same
for everyone, the setting counts that first has 98% on the held-out images at the end of an epoch, in seconds of
training; where none gets there, the one that first has 97%. The test set plays no part. What was tried stands in
``settings.json`` beside what was chosen.

Implementations of one rule that begin from the same weights and take the samples in the same order have the same
accuracies. With ``--like NAME`` those of NAME count, and only the seconds of an epoch are measured.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from math import cos, pi
from pathlib import Path
from typing import Any

from benchmarks import mnist, processes
from benchmarks.errors import BenchmarkError
from benchmarks.workloads import Workload

FILE = Path(__file__).with_name("settings.json")
TARGETS = (0.97, 0.98)

RATES, BATCH_SIZES, EPOCHS = (1e-3, 2e-3), (64, 128, 256), (3, 5, 8)


@dataclass(frozen=True)
class Racer:
    """Who trains 784-256-256-10, and what of it is open to choice."""

    implementation: str
    workload: Workload
    options: dict[str, Any] = field(default_factory=dict)
    """Of `fastpc.PC`, over those that the workload says."""
    losses: tuple[str, ...] = ("cross_entropy",)
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    epochs: tuple[int, ...] = EPOCHS


def factor(epoch: int, epochs: int) -> float:
    """Return what the learning rate is multiplied by in an epoch, from 0: half a cosine over the epochs planned."""
    return 0.5 * (1 + cos(pi * epoch / epochs))


_BACKPROP = Workload("backprop", (784, 256, 256, 10), batch_size=128, steps=0, rule="backprop", loss="cross_entropy")
_PC = replace(_BACKPROP, name="pc", rule="pc", steps=3, step_size=0.05)

RACERS = {
    "fastpc": Racer("fastpc", _PC),
    "fastpc-equilibrium": Racer(
        "fastpc",
        replace(_PC, name="pc-equilibrium", steps=20),
        {"step_size": "auto"},
        ("cross_entropy", "squared_error"),
        (64, 128),
        (5,),
    ),
    "jax": Racer("jax", _BACKPROP),
    "torch": Racer("torch", _BACKPROP),
    "tensorflow": Racer("tensorflow", _BACKPROP),
    "keras": Racer("keras", _BACKPROP),
}


def grid(racer: Racer) -> list[dict[str, Any]]:
    """Return the settings to try."""
    return [
        {"loss": loss, "learning_rate": rate, "batch_size": size, "epochs": epochs}
        for loss, rate, size, epochs in product(racer.losses, RATES, racer.batch_sizes, racer.epochs)
    ]


def with_settings(workload: Workload, settings: dict[str, Any]) -> tuple[Workload, int]:
    """Return a workload with these settings, and the epochs planned."""
    others = {name: value for name, value in settings.items() if name != "epochs"}
    return replace(workload, **others), int(settings["epochs"])


def chosen(name: str) -> tuple[Workload, int]:
    """Return a racer's workload with the settings that were chosen, and the epochs planned.

    Raises
    ------
    BenchmarkError
        If none were.
    """
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    if name not in known:
        raise BenchmarkError(f"expected chosen settings for {name} in {FILE.name}, got none; run choose {name} first")
    return with_settings(RACERS[name].workload, known[name]["chosen"])


def best(tried: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the settings that reached the last target first, else the one before it, or else came highest."""

    def rank(found: dict[str, Any]) -> tuple[float, ...]:
        times = [found["train_seconds"][str(target)] for target in reversed(TARGETS)]
        return (*(float("inf") if seconds is None else seconds for seconds in times), -max(found["accuracy"]))

    return dict(min(tried, key=rank)["settings"])


def choose(name: str, data: str, python: str | None, like: dict[str, Any] | None = None) -> dict[str, Any]:
    """Try a racer's grid, each setting in a process of its own; or time the epochs of what one `like` it tried."""

    def once(settings: dict[str, Any], *more: str) -> dict[str, Any]:
        arguments = ["-m", "benchmarks", "race", name, "--data", data, "--validation", "--one", "0"]
        return dict(processes.run([*arguments, "--settings", json.dumps(settings), *more], python or sys.executable))

    if like is None:
        kept = ("train_seconds", "epochs", "accuracy")
        tried = [{"settings": settings} | _part(once(settings), kept) for settings in grid(RACERS[name])]
    else:
        sizes = {found["settings"]["batch_size"]: found["settings"] for found in like["tried"]}
        seconds = {size: once(settings, "--epochs", "3")["epoch_seconds"] for size, settings in sizes.items()}
        tried = [found | {"train_seconds": _times(found, seconds)} for found in like["tried"]]
    return {"chosen": best(tried), "tried": tried}


def _part(found: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: found[key] for key in keys}


def _times(found: dict[str, Any], seconds: dict[int, float]) -> dict[str, float | None]:
    """Return the seconds to each target, from the epochs it took and the seconds of one, by batch size."""
    each = seconds[found["settings"]["batch_size"]]
    return {target: None if epochs is None else epochs * each for target, epochs in found["epochs"].items()}


def main(arguments: list[str]) -> None:
    """Choose, write ``settings.json``, and print what was chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks choose", description=__doc__)
    parser.add_argument("names", nargs="+", choices=RACERS)
    parser.add_argument("--data")
    parser.add_argument("--python", help="the Python that has the implementation")
    parser.add_argument("--like", choices=RACERS, metavar="NAME", help="a racer tried already whose accuracies count")
    options = parser.parse_args(arguments)
    data = str(mnist.find(options.data))
    for name in options.names:
        known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
        if options.like is not None and (
            options.like not in known
            or grid(RACERS[options.like]) != grid(RACERS[name])
            or RACERS[options.like].workload != RACERS[name].workload
        ):
            raise BenchmarkError(f"expected --like a racer tried already with {name}'s rule, got {options.like}")
        found = choose(name, data, options.python, known.get(options.like))
        FILE.write_text(json.dumps(known | {name: found}, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps(found["chosen"]), flush=True)
