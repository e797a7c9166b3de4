"""``import fastpc`` and ``fastpc --help``, beyond what NumPy alone takes."""

from typing import Any

import pytest

from benchmarks import startup


@pytest.mark.benchmark(group="import")
def test_import(benchmark: Any) -> None:
    found: list[float] = []
    benchmark.pedantic(lambda: found.append(startup.import_seconds()), rounds=5, warmup_rounds=1)
    benchmark.extra_info.update(import_seconds_beyond_numpy=sorted(found[1:])[2])


@pytest.mark.benchmark(group="import")
def test_help(benchmark: Any) -> None:
    benchmark.pedantic(lambda: startup.wall_seconds("-m", "fastpc", "--help"), rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(help_seconds_beyond_numpy=startup.help_seconds())
