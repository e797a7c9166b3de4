"""The yardstick: a run's speed as a fraction of what this machine's matrix product reaches.

*Roofline fraction* = (plain dense count ÷ time) ÷ (rate of a 2048³ matrix product on the same
threads, measured beside it). Above 1, a run is faster than the plain dense computation would be at
the machine's full speed. The fraction survives a change of machine; samples a second do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import sleep

from benchmarks.workloads import Precision
from fastpc.hardware import gemm_gflops

PAIRS = 5
PAUSE = 0.1
"""Seconds of rest on either side of a product. OpenBLAS's threads go on spinning for a while after
one: without the rest, runs of 0.1 s that follow on the same cores measured 30% slower."""

STEADY = 0.10
"""The largest spread, (fastest − slowest) ÷ median, of products that count as steady."""

MOVED = 2.0
"""Handovers this many times as long as others mean that the machine's cores have been moved apart; see `handover`."""


@dataclass(frozen=True)
class Reading:
    """One pair: a matrix product's rate in GFLOP/s, and the seconds of the run after it."""

    gemm_gflops: float
    run_seconds: float
    handover_ns: float | None = None
    """Just before the run, where it was measured."""


@dataclass(frozen=True)
class Roofline:
    """What a run reached. Every figure is a median over `readings`."""

    fraction: float
    gemm_gflops: float
    samples_per_second: float
    readings: tuple[Reading, ...]
    repeats: int
    """Rounds that were thrown away because the machine was not steady."""
    steady: bool
    """False when no round was steady: these are the readings of the least unsteady one."""
    handover_ns: float | None = None


def roofline(
    run: Callable[[], float],
    count: int,
    threads: int,
    dtype: Precision = "float32",
    *,
    samples: int = 0,
    attempts: int = 5,
    pause: float = PAUSE,
    gemm: Callable[[int, Precision], float] = gemm_gflops,
    handover: Callable[[], float] | None = None,
) -> Roofline:
    """Measure a run against the matrix product.

    Parameters
    ----------
    run : callable
        Does the work once, and returns the seconds that count. It is called once beforehand, so
        that nothing is compiled in a reading.
    count : int
        The plain dense count of one run.
    threads : int
        BLAS threads of the matrix product; `run` sees to its own.
    dtype : {"float32", "float64"}
        Whether sgemm or dgemm is the yardstick.
    samples : int
        Samples one run trains on, for the samples a second.
    attempts : int
        Rounds to try for a steady one; at least 1.
    pause : float
        Seconds of rest before and after each product.
    gemm : callable
        The matrix product's rate, from threads and dtype.
    handover : callable, optional
        The nanoseconds of a handover between cores, measured beside each product.

    Returns
    -------
    Roofline

    Notes
    -----
    A round is five alternating pairs (product, run), and the fraction the median of the five
    ratios. A round whose five products spread by more than a tenth, or in which the handover
    between cores moved, is thrown away and repeated. A machine that never steadies still gets its
    figures, marked ``steady=False``.
    """

    def pair() -> Reading:
        sleep(pause)
        gflops = gemm(threads, dtype)
        sleep(pause)
        nanoseconds = handover() if handover else None
        return Reading(gflops, run(), nanoseconds)

    run()
    rounds: list[tuple[Reading, ...]] = []
    for _ in range(attempts):
        rounds.append(tuple(pair() for _ in range(PAIRS)))
        if _is_steady(rounds[-1]):
            break
    readings = min(rounds, key=lambda readings: (not _is_steady(readings), _spread(readings)))
    ratios = [count / r.run_seconds / 1e9 / r.gemm_gflops for r in readings]
    return Roofline(
        fraction=median(ratios),
        gemm_gflops=median(r.gemm_gflops for r in readings),
        samples_per_second=median(samples / r.run_seconds for r in readings),
        readings=readings,
        repeats=len(rounds) - 1,
        steady=_is_steady(readings),
        handover_ns=median(_handovers(readings)) if handover else None,
    )


def moved(handovers: Sequence[float]) -> bool:
    """Return whether some handovers took so much longer than others that cores were moved in between."""
    return bool(handovers) and max(handovers) > MOVED * min(handovers)


def _is_steady(readings: tuple[Reading, ...]) -> bool:
    return _spread(readings) <= STEADY and not moved(_handovers(readings))


def _handovers(readings: tuple[Reading, ...]) -> list[float]:
    return [reading.handover_ns for reading in readings if reading.handover_ns is not None]


def _spread(readings: tuple[Reading, ...]) -> float:
    rates = [reading.gemm_gflops for reading in readings]
    return (max(rates) - min(rates)) / median(rates)
