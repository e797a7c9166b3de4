"""Whole batches of every workload, below the Trainer: sixteen a call, as many as its first call takes."""

from typing import Any

import numpy as np
import pytest

from benchmarks.footprint import session_of
from benchmarks.mnist import Mnist
from benchmarks.record import TABLE
from benchmarks.timing import against_gemm
from benchmarks.workloads import WORKLOADS

BATCHES = 16


@pytest.mark.benchmark(group="batches")
@pytest.mark.parametrize("name", TABLE)
def test_sixteen_batches(benchmark: Any, data: Mnist, threads: int, name: str) -> None:
    workload = WORKLOADS[name]
    n = BATCHES * workload.batch_size
    sample = Mnist(data.images[:n], data.labels[:n], data.test_images, data.test_labels)
    session = session_of(workload, sample, threads)
    order, factors = np.arange(n), np.ones(BATCHES)

    def run() -> None:
        assert session.run(order, factors).failure is None

    against_gemm(benchmark, run, n * workload.dense_count_per_sample(), threads, workload.dtype, samples=n)
