"""Epochs of every workload through the public Trainer, from uint8 data to updated weights."""

from typing import Any

import pytest

from benchmarks.measure import samples_of
from benchmarks.mnist import Mnist
from benchmarks.ours import FastPC
from benchmarks.record import TABLE
from benchmarks.timing import against_gemm
from benchmarks.workloads import WORKLOADS


def time_epochs(benchmark: Any, data: Mnist, threads: int, name: str, quick: bool) -> None:
    workload = WORKLOADS[name]
    n = samples_of(workload, quick)
    ours = FastPC(threads)
    ours.prepare(workload, data.images[:n], data.labels[:n])
    flops = n * workload.dense_count_per_sample()
    against_gemm(benchmark, ours.epoch, flops, threads, workload.dtype, samples=n)


@pytest.mark.benchmark(group="epochs, few samples")
@pytest.mark.parametrize("name", TABLE)
def test_short_epoch(benchmark: Any, data: Mnist, threads: int, name: str) -> None:
    time_epochs(benchmark, data, threads, name, quick=True)


@pytest.mark.slow
@pytest.mark.benchmark(group="epochs")
@pytest.mark.parametrize("name", TABLE)
def test_whole_epoch(benchmark: Any, data: Mnist, threads: int, name: str) -> None:
    time_epochs(benchmark, data, threads, name, quick=False)
