"""fastpc does the work that the baselines do: the same order, the same weights."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.baselines.base import initial_parameters
from benchmarks.baselines.numpy_pc import NumpyNotebook, NumpyPC
from benchmarks.ours import FastPC
from benchmarks.workloads import WORKLOADS
from fastpc.data import Shuffle

N, SEED = 150, 2  # a whole batch or two, and a short one


@pytest.mark.parametrize("name", ["A64", "A64t", "P", "G", "N64"])
def test_fastpc_trains_to_the_weights_of_numpy(name):
    workload = replace(WORKLOADS[name], dtype="float64")
    reference = NumpyPC()
    if workload.rule == "notebook":
        # The workload's rate hardly moves a weight.
        workload, reference = replace(workload, learning_rate=1e-3, step_size=0.05), NumpyNotebook()
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (N, 784)) * (rng.random((N, 784)) < 0.2)
    labels = rng.integers(0, 10, N)
    found = []
    for baseline in (FastPC(), reference):
        baseline.prepare(
            workload,
            images.astype(np.uint8),
            labels,
            seed=SEED,
            orders=Shuffle(N, SEED).order,
        )
        assert baseline.epoch() > 0
        baseline.rate /= 2
        assert baseline.epoch() > 0
        found.append(baseline.parameters())
    ours, theirs = found
    for layer, expected, initial in zip(ours, theirs, initial_parameters(workload, SEED), strict=True):
        for a, b, start in zip(layer, expected, initial, strict=True):
            if np.array_equal(b, start):
                assert np.array_equal(a, b)  # the notebook's rule has no biases
                continue
            assert np.linalg.norm(a - b) < 1e-9 * np.linalg.norm(b - start)


@pytest.mark.parametrize("name", ["D", "H", "U"])
def test_fastpc_trains_all_weights_of_other_rules(name):
    """Bidirectional and hybrid networks have a second set of them."""
    workload = WORKLOADS[name]
    rng = np.random.default_rng(7)
    images, labels = rng.integers(0, 256, (N, 784), np.uint8), rng.integers(0, 10, N)
    fastpc = FastPC()
    fastpc.prepare(workload, images, labels, seed=SEED)
    initial = initial_parameters(workload, SEED)
    assert [W.shape for W, _ in initial] == workload.matrices
    for (W, b), (start, zeros) in zip(fastpc.parameters(), initial, strict=True):
        assert np.array_equal(W, start.astype("float32"))
        assert np.array_equal(b, zeros)
    assert fastpc.epoch() > 0
    for (W, _), (start, _) in zip(fastpc.parameters(), initial, strict=True):
        assert np.isfinite(W).all()
        assert not np.array_equal(W, start.astype("float32"))
