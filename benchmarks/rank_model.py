"""What a batch would cost on more ranks than there are: a model, its constants from what `rank_scaling` measured."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.report import markdown
from benchmarks.workloads import WORKLOADS

RANKS = (1, 2, 4, 8, 16, 32, 64, 128)
# Not measured: what an ordinary cluster's network is specified for, 25 Gbit/s and 20 µs between two programs.
NETWORK = (20e-6, 25e9 / 8)


@dataclass(frozen=True)
class Model:
    """Seconds of a batch on R ranks: a part of its own, the samples of a rank, and the all-reduce.

    t(R) = fixed + per_sample ⌈B / R⌉ + 2 ⌈log₂ R⌉ latency + 2 (R - 1) / R bytes / bandwidth,

    the last two for a reduction that first scatters sums and then gathers them (Rabenseifner 2004).
    """

    fixed: float
    per_sample: float
    latency: float
    bandwidth: float
    size: int

    def joining(self, ranks: int) -> float:
        """Return the seconds of the all-reduce."""
        hops = 2 * math.ceil(math.log2(ranks))
        return hops * self.latency + 2 * (ranks - 1) / ranks * self.size / self.bandwidth

    def seconds(self, ranks: int, batch_size: int) -> float:
        """Return the seconds of a batch."""
        return self.fixed + self.per_sample * math.ceil(batch_size / ranks) + self.joining(ranks)

    def speedup(self, ranks: int, batch_size: int) -> float:
        """Return how many times as fast as one rank so many are, on the same batch."""
        return self.seconds(1, batch_size) / self.seconds(ranks, batch_size)

    def last_worth_it(self, batch_size: int) -> int:
        """Return the last doubling of the ranks, up to `RANKS`, that made a batch at least 1.5 times as fast."""
        best = 1
        for fewer, more in pairwise(RANKS):
            if self.seconds(fewer, batch_size) < 1.5 * self.seconds(more, batch_size):
                break
            best = more
        return best


def model_of(found: dict[str, Any], network: tuple[float, float] | None = None) -> Model:
    """Fit the model's constants to what was measured, or take those of a network that was not."""
    sizes, seconds = np.array(found["shares"]).T
    # Relative distances count: each time is known to the same part of itself.
    per_sample, fixed = np.polyfit(sizes, seconds, 1, w=1 / seconds)
    (_, latency), *_ = found["vectors"]
    lengths, times = np.array(found["vectors"][2:]).T
    per_number = np.polyfit(lengths, times, 1, w=1 / times)[0]
    # With two ranks, two hops and as many bytes as the vector has.
    own = latency / 2, 4 / per_number
    n_parameters = sum((n + 1) * m for n, m in pairwise(WORKLOADS["B"].sizes))
    return Model(max(0.0, float(fixed)), float(per_sample), *(network or own), 4 * n_parameters)


def model_in_words(found: dict[str, Any]) -> str:
    """Return the model's constants and what it says of more ranks as Markdown."""
    here, there = model_of(found), model_of(found, NETWORK)
    constants = (
        f"Measured here: fixed {1e6 * here.fixed:.0f} µs, {1e6 * here.per_sample:.1f} µs a sample, latency "
        f"{1e6 * here.latency:.1f} µs, bandwidth {here.bandwidth / 1e9:.1f} GB/s (in memory), "
        f"{here.size / 1e6:.2f} MB of gradient. Assumed for a network: {1e6 * NETWORK[0]:.0f} µs and "
        f"{NETWORK[1] / 1e9:.1f} GB/s."
    )
    sizes = (256, 1024, 4096)
    rows = [["ranks", *(f"batch {size}" for size in sizes), "all-reduce, ms"]]
    for ranks in RANKS:
        cells = [f"{there.speedup(ranks, size):.1f}" for size in sizes]
        rows.append([str(ranks), *cells, f"{1e3 * there.joining(ranks):.2f}"])
    worth = ", ".join(f"{there.last_worth_it(size)} for batches of {size}" for size in sizes)
    return (
        f"{constants}\n\nTimes as fast as one rank, by the model, on the network:\n\n{markdown(rows, 1)}\n\n"
        f"The last doubling that is worth it (1.5 times as fast or more) leads to these ranks: {worth}."
    )
