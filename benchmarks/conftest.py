"""What every benchmark records beside its times, and the data they share.

``pytest benchmarks`` runs the quick set, ``pytest benchmarks -m "slow or not slow"`` everything. Nothing here
asserts on time: a benchmark fails when it is broken, never because a machine is slow.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import mnist
from benchmarks.errors import BenchmarkError
from benchmarks.machine import cores, machine
from fastpc.hardware import forced_settings

HERE = Path(__file__).parent


def pytest_report_header() -> list[str]:
    forced = forced_settings(os.environ)
    if not forced:
        return []
    return [f"benchmarks: {' and '.join(forced)} force BLAS kernels, so the matrix products beside ours read low"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless markers were asked for."""
    ours = [item for item in items if HERE in item.path.parents]
    for item in ours:
        # Said in the header, and once is enough.
        item.add_marker(pytest.mark.filterwarnings("ignore:the environment forces BLAS kernels:UserWarning"))
    if not config.option.markexpr:
        slow = [item for item in ours if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def data() -> mnist.Mnist:
    """MNIST; the benchmarks that need it are skipped where there is none."""
    try:
        return mnist.load(mnist.find())
    except BenchmarkError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def threads() -> int:
    return cores()


@pytest.fixture(autouse=True)
def described(request: pytest.FixtureRequest) -> Iterator[None]:
    """Write down beside each benchmark what it ran on, once it has run: the threading layer is known only then."""
    benchmark: Any = request.getfixturevalue("benchmark") if "benchmark" in request.fixturenames else None
    yield
    if benchmark is None:
        return
    found = machine()
    benchmark.extra_info.update(
        cpu=found["cpu"],
        cores=found["cores"],
        blas=found["blas"],
        threading_layer=found["numba_threading_layer"],
        forced=found["forced"],
        versions=found["versions"],
    )
    benchmark.extra_info.setdefault("threads", found["cores"])
