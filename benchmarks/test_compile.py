"""Compiling everything workload A needs with an empty cache, and the first trained batch with a warm one."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import startup


@pytest.mark.benchmark(group="compile")
def test_cold_cache(benchmark: Any, tmp_path: Path) -> None:
    found = benchmark.pedantic(startup.first_batch, args=(str(tmp_path),), rounds=1, warmup_rounds=0)
    benchmark.extra_info.update(found)
    assert any(tmp_path.rglob("*.nbc")), "nothing was kept for the next process"


@pytest.mark.benchmark(group="compile")
def test_warm_cache(benchmark: Any) -> None:
    rounds: list[dict[str, float]] = []
    cache = startup.own_cache()
    startup.first_batch(cache)  # warms it

    def run() -> None:
        rounds.append(startup.first_batch(cache))

    benchmark.pedantic(run, rounds=3, warmup_rounds=0)
    benchmark.extra_info.update(min(rounds, key=lambda found: found["first_batch_seconds"]))
