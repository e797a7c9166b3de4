"""Fewer products to the same equilibrium: sweeps over the errors against plain steps at their best step size.

Workload B's network, trained one epoch, then relaxed in float64 with labels clamped. The best fixed step of 20 plain
steps is chosen by energy on training images; everything that is reported is measured on test images.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmarks.mnist import find
from fastpc.data import Dataset, load_npz
from fastpc.network import PCNetwork
from fastpc.optimizers import Adam
from fastpc.rules import PC
from fastpc.trainer import Trainer

SIZES, PLAIN_STEPS, SWEEPS = (784, 256, 256, 10), 20, 9
LONG_STEPS = 3000
STEP_SIZES = np.geomspace(0.05, 0.8, 13)


def multiplications(sizes: Sequence[int], steps: int, solver: str) -> int:
    """Return a sample's multiplications with W_2…W_L in relaxation, forward and back, as the kernels do them.

    Plain steps skip layers that no error has reached; sweeps run through all layers each time.
    """
    products = [a * b for a, b in pairwise(sizes[1:])]
    if solver == "errors":
        return 2 * steps * sum(products)
    total, frontier, last = 0, len(sizes) - 1, len(sizes) - 1
    for _ in range(steps):
        frontier = max(1, frontier - 1)
        total += 2 * sum(products[frontier - 1 : last - 1])
    return total


def in_float64(network: PCNetwork) -> PCNetwork:
    """Return the same network in float64."""
    copy = PCNetwork(network.sizes, network.activations, network.loss, "float64", network.seed)
    copy.weights = list(network.weights)
    copy.biases = list(network.biases)
    return copy


def relaxed(network: PCNetwork, data: Dataset, rule: PC) -> tuple[float, np.ndarray]:
    """Return the mean energy after relaxing, and the weight gradient as one vector, in pieces of 2,000 samples."""
    energy, gradient = 0.0, np.zeros(0)
    for start in range(0, len(data), 2000):
        part = data.take(np.arange(start, min(start + 2000, len(data))))
        weight = len(part) / len(data)
        energy += weight * float(network.relax(part, rule=rule).energy[-1].sum())
        weights, biases = network.gradient(part, rule=rule)
        piece = np.concatenate([array.ravel() for array in (*weights, *biases)])
        gradient = weight * piece + (gradient if len(gradient) else 0)
    return energy, gradient


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the cosine between two vectors."""
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def compare(activation: str, train: Dataset, test: Dataset, seed: int = 0) -> dict[str, float]:
    """Return what the sweeps and the plain steps leave, for one activation."""
    trained = PCNetwork(SIZES, activation, seed=seed)
    Trainer(trained, PC(steps=PLAIN_STEPS, step_size="auto"), Adam(1e-3), 256, seed=seed).fit(train)
    network = in_float64(trained)
    some = train.take(np.arange(1000))
    step = min(STEP_SIZES, key=lambda g: relaxed(network, some, PC(steps=PLAIN_STEPS, step_size=float(g)))[0])
    long_energy, long_gradient = relaxed(network, test, PC(steps=LONG_STEPS, step_size=float(step) / 4, momentum=0.5))
    plain_energy, plain_gradient = relaxed(network, test, PC(steps=PLAIN_STEPS, step_size=float(step)))
    sweep_energy, sweep_gradient = relaxed(network, test, PC(steps=SWEEPS, solver="errors"))
    products = [multiplications(SIZES, n, solver) for n, solver in ((SWEEPS, "errors"), (PLAIN_STEPS, "gradient"))]
    return {
        "best step": float(step),
        "long energy": long_energy,
        "plain excess": plain_energy - long_energy,
        "sweeps excess": sweep_energy - long_energy,
        "excess ratio": (sweep_energy - long_energy) / (plain_energy - long_energy),
        "multiplication ratio": products[0] / products[1],
        "plain cosine": cosine(plain_gradient, long_gradient),
        "sweeps cosine": cosine(sweep_gradient, long_gradient),
    }


def main(arguments: list[str] | None = None) -> None:
    """Compare with relu and with tanh, and print both as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks solver", description=__doc__)
    parser.add_argument("--data", default=None, help="an .npz file; by default FASTPC_DATA or Keras's cache")
    parser.add_argument("--samples", type=int, default=10_000, help="test images")
    parser.add_argument("--quick", action="store_true", help="a tenth of them")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    given = parser.parse_args(arguments)
    train, test = load_npz(find(given.data))
    samples = given.samples // 10 if given.quick else given.samples
    test = test.take(np.arange(min(samples, len(test))))
    print(json.dumps({name: compare(name, train, test) for name in ("relu", "tanh")}))


if __name__ == "__main__":
    main()
