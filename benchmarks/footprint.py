"""What training costs beside arithmetic: time outside compiled code, allocations, memory.

``python -m benchmarks footprint``. Each figure comes from a process of its own.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import mnist, processes
from benchmarks.ours import FastPC
from benchmarks.workloads import WORKLOADS, Workload

BATCHES = (64, 128, 256)


def peak_memory_mb() -> float:
    """Return the most memory this process has had resident, in MB of 10⁶ bytes."""
    try:
        # getrusage's figure begins, after a fork, at what the parent had; the kernel's own begins anew.
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def train_whole(data: str) -> dict[str, Any]:
    """Train the default network on all of MNIST by the command line's own way; return the peak memory."""
    from fastpc.cli import main as fastpc

    code = fastpc(["train", "--data", data, "--epochs", "2", "--quiet"])
    assert code == 0, f"expected fastpc train to succeed, got exit code {code}"
    return {"peak_mb": peak_memory_mb(), "tensorflow_imported": "tensorflow" in sys.modules}


@contextmanager
def compiled_clock() -> Iterator[list[float]]:
    """Collect the seconds of every call of compiled code, from Python's side of the call."""
    # Any, because what follows is not for others to do.
    jit: Any = import_module("fastpc.engine.jit")
    threads: Any = import_module("fastpc.engine.threads")

    spent: list[float] = []
    parallel, call = threads.run_parallel, jit.Driver.__call__

    def timed_parallel(*arguments: Any) -> bool:
        begin = perf_counter()
        well: bool = parallel(*arguments)
        spent.append(perf_counter() - begin)
        return well

    def timed_call(self: Any, n_threads: int, *arguments: Any) -> None:
        before = len(spent)
        begin = perf_counter()
        call(self, n_threads, *arguments)
        if len(spent) == before:  # not in parallel: the call itself is the compiled code
            spent.append(perf_counter() - begin)

    threads.run_parallel, jit.Driver.__call__ = timed_parallel, timed_call
    try:
        yield spent
    finally:
        threads.run_parallel, jit.Driver.__call__ = parallel, call


def time_outside(workload: Workload, data: mnist.Mnist, epochs: int = 3) -> dict[str, Any]:
    """Return the share of an epoch's time that is not spent in compiled code, the median of a few epochs."""
    ours = FastPC()
    ours.prepare(workload, data.images, data.labels)
    ours.epoch()
    shares = []
    for _ in range(epochs):
        with compiled_clock() as spent:
            begin = perf_counter()
            ours.epoch()
            whole = perf_counter() - begin
        shares.append(1 - sum(spent) / whole)
    return {"workload": workload.name, "share": float(np.median(shares)), "shares": shares}


def allocations(workload: Workload, data: mnist.Mnist) -> dict[str, Any]:
    """Count what compiled code allocates in one call of 64, 128 and 256 batches, by Numba's statistics.

    They are kept only where the variable NUMBA_NRT_STATS was 1 as Numba was loaded.
    """
    from fastpc.engine.threads import available_threads

    session = session_of(workload, data)
    counts: dict[str, list[int]] = {}
    for threads in dict.fromkeys((1, available_threads())):
        session.threads = threads
        counts[str(threads)] = [_allocations_of(session, workload, n, len(data.labels)) for n in BATCHES]
    grown = {name: (found[-1] - found[0]) / (BATCHES[-1] - BATCHES[0]) for name, found in counts.items()}
    return {"workload": workload.name, "batches": BATCHES, "allocations": counts, "per_batch": max(grown.values())}


def _allocations_of(session: Any, workload: Workload, n_batches: int, n_samples: int) -> int:
    from numba.core.runtime import rtsys

    order = np.arange(n_batches * workload.batch_size) % n_samples
    factors = np.ones(n_batches)
    before = rtsys.get_allocation_stats()
    session.run(order, factors)
    after = rtsys.get_allocation_stats()
    return int(after.alloc - before.alloc)


def session_of(workload: Workload, data: mnist.Mnist, threads: int | None = None) -> Any:
    """Return a session that trains a workload by calls of its own, for measurements below the Trainer."""
    ours = FastPC(threads)
    ours.prepare(workload, data.images, data.labels)
    return ours.session


def run(part: str, data: str) -> dict[str, Any]:
    """Measure one part in this process."""
    if part == "memory":
        return train_whole(data)
    workload, loaded = WORKLOADS["A64"], mnist.load(data)
    return time_outside(workload, loaded) if part == "outside" else allocations(workload, loaded)


def measure(data: str) -> dict[str, Any]:
    """Measure all parts, each in a process of its own."""

    def part(name: str, **more: str) -> Any:
        return processes.run(["-m", "benchmarks", "footprint", "--data", data, "--part", name], more=more)

    found = {"outside_compiled_code": part("outside"), "allocations": part("allocations", NUMBA_NRT_STATS="1")}
    with tempfile.TemporaryDirectory() as empty:
        # The first run of an installation compiles, and the compiler has memory of its own.
        found["memory_compiling"] = part("memory", FASTPC_CACHE_DIR=empty)
        found["memory"] = part("memory", FASTPC_CACHE_DIR=empty)
    return found


def main(arguments: list[str]) -> None:
    """Print what was measured as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks footprint", description=__doc__)
    parser.add_argument("--data")
    parser.add_argument("--part", choices=("outside", "allocations", "memory"), help="one alone, in this process")
    parser.add_argument("--quick", action="store_true", help="the same: it is quick")
    parser.add_argument("--json", action="store_true", help="the same: it is JSON anyway")
    options = parser.parse_args(arguments)
    data = str(mnist.find(options.data))
    print(json.dumps(run(options.part, data) if options.part else measure(data)))
