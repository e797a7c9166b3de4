"""What ``fastpc train`` reaches when it is told nothing: ``python -m benchmarks train``."""

import argparse
import json
from statistics import mean
from typing import Any

from benchmarks import mnist, processes

SEEDS = (0, 1, 2)


def measure(data: str, epochs: int | None) -> dict[str, Any]:
    """Train with three seeds by the command line; the test accuracy is that of the last epoch."""
    more = [] if epochs is None else ["--epochs", str(epochs)]
    runs = [
        processes.run(["-m", "fastpc", "train", "--data", data, "--seed", str(seed), "--json", *more]) for seed in SEEDS
    ]
    return {
        "command": " ".join(["fastpc train", *more]),
        "test_accuracy": mean(run["test_accuracy"] for run in runs),
        "train_seconds": mean(run["train_seconds"] for run in runs),
        "runs": runs,
    }


def main(arguments: list[str]) -> None:
    """Print what was measured as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks train", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    options = parser.parse_args(arguments)
    print(json.dumps(measure(str(mnist.find(options.data)), 1 if options.quick else None)))
