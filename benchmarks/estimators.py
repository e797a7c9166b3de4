"""PCClassifier beside scikit-learn's MLPClassifier on MNIST: ``python -m benchmarks sklearn``.

Both fit the same float32 images with the same network, batch size, optimiser, rate and epochs; in turn, each time with
another seed and in a process of its own, for thread pools of two libraries in one process hinder each other. Seconds
are those of `fit`, checks of the data and all; kernels are compiled, or loaded, and thread pools started by a short fit
before. Accuracies are those after the last epoch.
"""

import argparse
import json
import warnings
from statistics import mean, median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks import mnist, processes
from benchmarks.machine import machine, spread_threads
from fastpc import PCClassifier

KINDS = {kind.__name__: kind for kind in (PCClassifier, MLPClassifier)}


def fit(name: str, data: mnist.Mnist, hidden: tuple[int, ...], epochs: int, seed: int) -> dict[str, float]:
    """Return one classifier's seconds of fit, and its accuracy on the test images."""
    x, test_x = (images.astype(np.float32) / np.float32(255) for images in (data.images, data.test_images))
    settings: dict[str, Any] = {"hidden_layer_sizes": hidden, "n_iter_no_change": epochs, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        KINDS[name](**settings, max_iter=1).fit(x[:2000], data.labels[:2000]).predict(test_x)
        spread_threads()
        classifier = KINDS[name](**settings, max_iter=epochs)
        begin = perf_counter()
        classifier.fit(x, data.labels)
        seconds = perf_counter() - begin
    return {"seconds": seconds, "accuracy": float(classifier.score(test_x, data.test_labels))}


def measure(path: str, hidden: tuple[int, ...], epochs: int, rounds: int, held_out: bool) -> dict[str, Any]:
    """Return both classifiers' seconds and accuracies, round by round, and how many times faster ours is."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in KINDS}
    for seed in range(rounds):
        for name, found in runs.items():
            one = ["--one", name, "--seed", str(seed), "--data", path, "--epochs", str(epochs)]
            one += ["--validation"] if held_out else []
            found.append(processes.run(["-m", "benchmarks", "sklearn", *one, "--hidden", *map(str, hidden)]))
    ours, theirs = ([run["seconds"] for run in found] for found in runs.values())
    ratio = median(slow / fast for fast, slow in zip(ours, theirs, strict=True))
    return {"hidden": hidden, "epochs": epochs, "runs": runs, "times_faster": ratio}


def main(arguments: list[str]) -> None:
    """Print a line for each classifier, and how they compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sklearn", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--hidden", type=int, nargs="*", default=[100], help="sizes of the hidden layers")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--validation", action="store_true", help="hold 10,000 training images out, and score on these")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=KINDS, help="fit once, in this process, and print the figures in JSON")
    parser.add_argument("--seed", type=int, default=0, help="of --one")
    options = parser.parse_args(arguments)
    path, hidden = mnist.find(options.data), tuple(options.hidden)
    if options.one:
        data = mnist.load(path)
        data = data.validation_split() if options.validation else data
        print(json.dumps(fit(options.one, data, hidden, options.epochs, options.seed)))
        return
    found = measure(str(path), hidden, options.epochs, options.rounds, options.validation)
    if options.json:
        print(json.dumps(found | {"machine": machine()}))
        return
    images = "validation" if options.validation else "test"
    for name, runs in found["runs"].items():
        seconds, accuracy = median(run["seconds"] for run in runs), mean(run["accuracy"] for run in runs)
        print(f"{name:14} {seconds:6.2f} s of fit, {accuracy:.2%} of the {images} images")
    print(f"PCClassifier is {found['times_faster']:.1f} times faster")
