"""Performance tracking in a project of one's own, with pytest-benchmark.

Put it among your benchmarks, with your network and your data, and keep the figures of every commit::

    pytest examples/performance_tracking.py --benchmark-autosave
    pytest examples/performance_tracking.py --benchmark-compare --benchmark-compare-fail=median:20%

The first round compiles and is left out. Pin the threads: results do not depend on them, but the speed does.
"""

from collections.abc import Callable
from typing import Any

import pytest

from fastpc import PC, Adam, PCNetwork, Trainer, load_mnist

THREADS = 2
EPOCHS = 1


@pytest.fixture(scope="module")
def train() -> Any:
    return load_mnist()[0]


@pytest.mark.parametrize("steps", [3, 8])
def test_training_speed(benchmark: Callable[..., Any], train: Any, steps: int) -> None:
    """Time whole epochs, from uint8 images to updated weights."""
    trainer = Trainer(PCNetwork((784, 128, 10)), PC(steps, step_size=0.05), Adam(1e-4), batch_size=64, threads=THREADS)
    rates = []

    def epoch() -> None:
        history = trainer.fit(train, epochs=EPOCHS)
        rates.append(history.samples_seen / history.train_seconds)

    benchmark.pedantic(epoch, rounds=5, warmup_rounds=1)
    benchmark.extra_info["samples_per_second"] = max(rates)  # kept with the times
