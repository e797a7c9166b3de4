"""Every installed baseline does the same work: after some batches, the same weights."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.baselines import BASELINES
from benchmarks.baselines.base import BETA2, EPSILON, initial_parameters, shuffled
from benchmarks.baselines.numpy_pc import NumpyNotebook, NumpyPC
from benchmarks.workloads import WORKLOADS


class KerasAdam(NumpyPC):
    """Keras adds epsilon to the root of the mean square before that is corrected for its start."""

    def _epsilon(self):
        return EPSILON * (1 - BETA2**self._updates) ** -0.5


REFERENCES = {"keras": KerasAdam}
N = 70  # four batches of 16, and a short one
WORK = ("A64", "A64t", "P", "W", "N32", "G", "A64-backprop", "P-backprop", "W-backprop")


def small(name, dtype):
    """The workload with a narrower middle, fewer samples a batch, and steps that show."""
    name, _, rule = name.partition("-")
    workload = WORKLOADS[name].with_rule(rule) if rule else WORKLOADS[name]
    hidden = tuple(min(n, 48) - 4 * i for i, n in enumerate(workload.sizes[1:-1]))
    sizes = (workload.sizes[0], *hidden, workload.sizes[-1])
    step_size = 0.02 if workload.generative else 0.1
    rate = 1e-3 if workload.rule == "notebook" else workload.learning_rate
    return replace(
        workload,
        sizes=sizes,
        batch_size=16,
        step_size=step_size,
        learning_rate=rate,
        dtype=dtype,
    )


@pytest.fixture(scope="module")
def data():
    """Images like MNIST's, mostly black, and labels."""
    rng = np.random.default_rng(5)
    images = rng.integers(0, 256, (N, 784)) * (rng.random((N, 784)) < 0.2)
    return images.astype(np.uint8), rng.integers(0, 10, N)


def trained(kind, workload, data):
    baseline = kind()
    baseline.prepare(workload, *data, seed=3)
    assert baseline.epoch() > 0
    baseline.rate /= 2
    assert baseline.epoch() > 0
    return baseline.parameters()


def difference(found, expected, initial):
    """The largest, over layers, of ‖W − W'‖ relative to how far W' has come from the start."""
    return max(
        np.linalg.norm(a - b) / np.linalg.norm(b - start)
        for layer, reference, first in zip(found, expected, initial, strict=True)
        for a, b, start in zip(layer, reference, first, strict=True)
        if np.any(b != start)
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize("kind", BASELINES, ids=lambda kind: kind.name)
def test_a_baseline_trains_to_the_weights_of_numpy_in_float64(kind, name, dtype, data):
    workload = small(name, dtype)
    if not kind.available():
        pytest.skip(f"{kind.name} is not installed")
    if kind.name == "torch-compile" and (name, dtype) != ("A64", "float32"):
        pytest.skip("compiles for many seconds, and computes what torch does")
    if not kind.supports(workload):
        pytest.skip(f"{kind.name} does not implement {workload.rule} in {dtype}")
    exact = replace(workload, dtype="float64")
    plain = NumpyNotebook if workload.rule == "notebook" else NumpyPC
    expected = trained(REFERENCES.get(kind.name, plain), exact, data)
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    found = trained(kind, workload, data)
    assert all(W.dtype == b.dtype == dtype for W, b in found)
    assert difference(found, expected, initial_parameters(exact, 3)) < tolerance


def test_preparing_leaves_the_parameters_as_given(data):
    workload = small("A64", "float64")
    initial = initial_parameters(workload, 11)
    baseline = NumpyPC()
    baseline.prepare(workload, *data, initial=initial)
    for (W, b), (W0, b0) in zip(baseline.parameters(), initial, strict=True):
        assert np.array_equal(W, W0)
        assert np.array_equal(b, b0)


def test_orders_are_permutations_that_depend_on_seed_and_epoch_alone():
    orders = shuffled(50, seed=1)
    assert np.array_equal(np.sort(orders(0)), np.arange(50))
    assert np.array_equal(orders(4), shuffled(50, seed=1)(4))
    assert not np.array_equal(orders(0), orders(1))


@pytest.mark.parametrize("kind", BASELINES, ids=lambda kind: kind.name)
def test_names_are_unique(kind):
    assert sum(other.name == kind.name for other in BASELINES) == 1
