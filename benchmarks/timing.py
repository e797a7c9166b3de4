"""One benchmark's rounds with the matrix product measured beside each, and the figures that follow."""

from collections.abc import Callable
from statistics import median
from time import sleep
from typing import Any

from benchmarks.workloads import Precision
from benchmarks.yardstick import PAUSE
from fastpc.hardware import gemm_gflops


def against_gemm(
    benchmark: Any,
    run: Callable[[], object],
    flops: float,
    threads: int,
    dtype: Precision = "float32",
    *,
    rounds: int = 5,
    samples: int = 0,
    repeats: int = 1,
) -> None:
    """Time `rounds` runs, one warm-up before them, and write the roofline fraction and its parts to `extra_info`.

    Parameters
    ----------
    benchmark : pytest-benchmark's fixture
    run : callable
        Does the work once.
    flops : float
        Its plain dense count.
    threads : int
        The matrix product's.
    dtype : {"float32", "float64"}
    rounds : int
    samples : int
        That one run trains on; 0 where it trains on none.
    repeats : int
        Times that `run` does its smallest piece of work, for the seconds of one.
    """
    rates: list[float] = []

    def beside() -> None:
        sleep(PAUSE)
        rates.append(gemm_gflops(threads, dtype))
        sleep(PAUSE)

    benchmark.pedantic(run, setup=beside, rounds=rounds, iterations=1, warmup_rounds=1)
    benchmark.extra_info.update(threads=threads, flops=flops, repeats=repeats)
    if benchmark.stats is None:  # with --benchmark-disable, nothing is timed
        return
    seconds = benchmark.stats.stats.data
    rates = rates[-len(seconds) :]  # the warm-up had one too
    benchmark.extra_info.update(
        gemm_gflops=median(rates),
        gflops=flops / median(seconds) / 1e9,
        roofline_fraction=median(flops / s / 1e9 / rate for s, rate in zip(seconds, rates, strict=True)),
        seconds_of_one=median(seconds) / repeats,
    )
    if samples:
        benchmark.extra_info.update(
            samples=samples,
            samples_per_second=samples / median(seconds),
            best_samples_per_second=samples / min(seconds),
        )
