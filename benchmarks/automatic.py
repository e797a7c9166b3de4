"""What the automatic state step costs: ``python -m benchmarks auto``.

Runs of a few epochs with a fixed step and with the automatic one, in turn, on networks small and large; finding the
first step is part of a run.
"""

import argparse
import json
from statistics import median
from typing import Any

from benchmarks import mnist
from benchmarks.machine import cores
from fastpc import PC, Adam, PCNetwork, Trainer, as_dataset

EPOCHS, ROUNDS = 3, 5
# Sizes, batch size, steps: workload A64's, what fastpc train takes, workload B's.
NETWORKS = (((784, 128, 10), 64, 8), ((784, 512, 256, 10), 64, 3), ((784, 256, 256, 10), 256, 20))


def measure(data: mnist.Mnist, sizes: tuple[int, ...], batch_size: int, steps: int, threads: int) -> dict[str, Any]:
    """Return the part of the training time that the automatic step takes, by the median run and by the fastest."""
    train = as_dataset(data.images, data.labels, n_classes=10)
    seconds: dict[float | str, list[float]] = {0.02: [], "auto": []}
    for turn in range(ROUNDS + 1):
        for step, taken in seconds.items():
            # A rate so small that both walk the same way.
            trainer = Trainer(PCNetwork(sizes), PC(steps, step), Adam(1e-4), batch_size, threads=threads)
            time = trainer.fit(train, epochs=EPOCHS).train_seconds
            if turn > 0:
                taken.append(time)
    parts = [1 - statistic(seconds[0.02]) / statistic(seconds["auto"]) for statistic in (median, min)]
    return {"sizes": sizes, "batch_size": batch_size, "threads": threads, "median": parts[0], "least": parts[1]}


def main(arguments: list[str]) -> None:
    """Print a line for each network and number of threads."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks auto", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    data = mnist.load(mnist.find(options.data))
    for sizes, batch_size, steps in NETWORKS:
        for threads in sorted({1, cores()}):
            found = measure(data, sizes, batch_size, steps, threads)
            line = (
                f"{'-'.join(map(str, sizes)):16} {threads} threads: {found['median']:.1%}, least {found['least']:.1%}"
            )
            print(json.dumps(found) if options.json else line, flush=True)
