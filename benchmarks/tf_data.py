"""What it costs to train from a tf.data.Dataset instead of arrays: ``python -m benchmarks tfdata``.

Workload A64's network, one epoch and several, timed around the whole of `Trainer.fit`: fastpc reads a stream once, to
its end, and trains from memory from then on. Beside it, the seconds in which TensorFlow alone reads the stream. The
sources take turns; figures are medians.
"""

import argparse
import json
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks import mnist
from benchmarks.machine import cores
from benchmarks.workloads import WORKLOADS
from fastpc import PC, Adam, PCNetwork, Trainer

EPOCHS, ROUNDS = 10, 3
# Batches that the stream comes in; None for single samples.
BATCHES = (64, 1024, None)


def sources(data: mnist.Mnist) -> dict[str, Callable[[], Any]]:
    """Return what makes each source of the training data, by name."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    arrays = (data.images, data.labels)
    samples = tf.data.Dataset.from_tensor_slices(arrays)
    made: dict[str, Callable[[], Any]] = {"arrays": lambda: arrays}
    for size in BATCHES:
        name = "tf.data, single samples" if size is None else f"tf.data, batches of {size}"
        stream = samples if size is None else samples.batch(size)
        made[name] = lambda stream=stream: stream
    return made


def fit_seconds(source: Any, epochs: int, threads: int) -> float:
    """Return the seconds of a whole `fit` from this source, compilation left out."""
    workload = WORKLOADS["A64"]
    network = PCNetwork(workload.sizes, workload.activation, workload.loss)
    rule = PC(workload.steps, workload.step_size)
    trainer = Trainer(network, rule, Adam(workload.learning_rate), workload.batch_size, threads=threads)
    begin = perf_counter()
    history = trainer.fit(source, epochs=epochs)
    return perf_counter() - begin - history.compile_seconds


def read_seconds(source: Any) -> float:
    """Return the seconds in which TensorFlow alone reads a stream to its end."""
    begin = perf_counter()
    for _ in source.as_numpy_iterator():
        pass
    return perf_counter() - begin


def measure(data: mnist.Mnist, threads: int, epochs: int = EPOCHS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Return, for each source, samples a second in one epoch and in all of several, and the seconds to read it."""
    made = sources(data)
    seconds: dict[str, dict[str, list[float]]] = {name: {"read": [], "one": [], "all": []} for name in made}
    for turn in range(rounds + 1):
        for name, make in made.items():
            taken = {
                "read": 0.0 if name == "arrays" else read_seconds(make()),
                "one": fit_seconds(make(), 1, threads),
                "all": fit_seconds(make(), epochs, threads),
            }
            if turn > 0:  # the first one warms up
                for part, value in taken.items():
                    seconds[name][part].append(value)
    n = len(data.labels)
    return [
        {
            "source": name,
            "read_seconds": median(taken["read"]),
            "one_epoch": n / median(taken["one"]),
            "epochs": epochs,
            "all_epochs": n * epochs / median(taken["all"]),
            "threads": threads,
        }
        for name, taken in seconds.items()
    ]


def main(arguments: list[str]) -> None:
    """Print a line for each source."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tfdata", description=__doc__)
    parser.add_argument("--data", help="MNIST as Keras stores it, an .npz file")
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    whole = mnist.load(mnist.find(options.data))
    n = options.samples
    data = mnist.Mnist(whole.images[:n], whole.labels[:n], whole.test_images, whole.test_labels)
    for found in measure(data, options.threads, options.epochs, options.rounds):
        line = (
            f"{found['source']:24} read in {found['read_seconds']:5.2f} s   samples/s: {found['one_epoch']:9,.0f} in "
            f"one epoch, {found['all_epochs']:9,.0f} in {found['epochs']}"
        )
        print(json.dumps(found) if options.json else line, flush=True)
