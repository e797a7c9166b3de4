"""PCClassifier beside scikit-learn's MLPClassifier on MNIST: ``python -m benchmarks sklearn``.

Both fit the same float32 images with the same network, batch size, rate and epochs, in turn, with another seed in every
round. Seconds are those of `fit`, checks of the data and all; kernels are compiled, or loaded, by a short fit before.
Accuracies are those after the last epoch.
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

from benchmarks import mnist
from benchmarks.machine import machine
from fastpc import PCClassifier

KINDS = (PCClassifier, MLPClassifier)


def measure(data: mnist.Mnist, hidden: tuple[int, ...], epochs: int, rounds: int) -> dict[str, Any]:
    """Return both classifiers' seconds and test accuracies, round by round, and how many times faster ours is."""
    x, test_x = (images.astype(np.float32) / np.float32(255) for images in (data.images, data.test_images))
    seconds: dict[str, list[float]] = {kind.__name__: [] for kind in KINDS}
    accuracies: dict[str, list[float]] = {kind.__name__: [] for kind in KINDS}
    settings = {"hidden_layer_sizes": hidden, "max_iter": epochs, "n_iter_no_change": epochs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for kind in KINDS:
            # Warm: kernels and thread pools. One epoch of a few whole batches.
            kind(**settings | {"max_iter": 1}, random_state=0).fit(x[:2000], data.labels[:2000]).predict(test_x)
        for seed in range(rounds):
            for kind in KINDS:
                classifier = kind(**settings, random_state=seed)
                begin = perf_counter()
                classifier.fit(x, data.labels)
                seconds[kind.__name__].append(perf_counter() - begin)
                accuracies[kind.__name__].append(float(classifier.score(test_x, data.test_labels)))
    ours, theirs = (seconds[kind.__name__] for kind in KINDS)
    ratio = median(slow / fast for fast, slow in zip(ours, theirs, strict=True))
    return {"hidden": hidden, "epochs": epochs, "seconds": seconds, "accuracies": accuracies, "times_faster": ratio}


def main(arguments: list[str]) -> None:
    """Print a line for each classifier, and how they compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sklearn", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--hidden", type=int, nargs="*", default=[100], help="sizes of the hidden layers")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    data = mnist.load(mnist.find(options.data))
    found = measure(data, tuple(options.hidden), options.epochs, options.rounds)
    if options.json:
        print(json.dumps(found | {"machine": machine()}))
        return
    for name, seconds in found["seconds"].items():
        print(f"{name:14} {median(seconds):6.2f} s of fit, {mean(found['accuracies'][name]):.2%} of the test images")
    print(f"PCClassifier is {found['times_faster']:.1f} times faster")
