"""Lines through times, gains from threads, and the clock around compiled code."""

import numpy as np
import pytest

from benchmarks import footprint, processes, scaling
from benchmarks.mnist import Mnist
from benchmarks.workloads import WORKLOADS

RNG = np.random.default_rng(0)
IMAGES = (RNG.integers(0, 256, (640, 784)) * (RNG.random((640, 784)) < 0.2)).astype(np.uint8)
LABELS = RNG.integers(0, 10, 640)
DATA = Mnist(IMAGES, LABELS, IMAGES, LABELS)


def test_a_line_is_found_with_its_worst_residual():
    exact = scaling.fit_line((1, 2, 3, 4), (5.0, 8.0, 11.0, 14.0))
    assert exact.slope == pytest.approx(3)
    assert exact.intercept == pytest.approx(2)
    assert exact.worst_residual == pytest.approx(0, abs=1e-12)
    # A time 10% above a line that passes close to it.
    off = scaling.fit_line((1, 2, 3, 4, 5, 6), (5.0, 8.0, 11.0, 14.0 * 1.1, 17.0, 20.0))
    assert 0.04 < off.worst_residual < 0.1


def test_the_gain_is_set_against_the_products_own():
    found = scaling.relative_gain(lambda: 1.8, lambda: 1.0, 2, gemm=lambda n: 100.0 * n, pairs=3, pause=0)
    assert found["gain"] == pytest.approx(1.8)
    assert found["gemm_gain"] == pytest.approx(2.0)
    assert found["relative"] == pytest.approx(0.9)
    assert found["steady"]
    assert len(found["rounds"]) == 3


def test_a_gain_measured_while_the_cores_moved_apart_is_measured_again():
    handovers = iter([45.0, 200.0, 45.0, 46.0])
    found = scaling.relative_gain(
        lambda: 1.8, lambda: 1.0, 2, lambda n: 100.0 * n, lambda: next(handovers), pairs=2, attempts=3, pause=0
    )
    assert found["steady"]
    assert found["handover_ns"] == 45.5


def test_one_core_has_no_gain_to_measure():
    assert scaling.thread_gain(WORKLOADS["A256"], DATA, 1, quick=True) is None


@pytest.mark.parametrize("kind", scaling.GROWN)
def test_what_grows_is_only_what_the_name_says(kind):
    workloads = [scaling.grown(kind, x) for x in scaling.GROWN[kind]]
    if kind == "samples":
        assert len({workload for workload, _ in workloads}) == 1
        assert [n for _, n in workloads] == list(scaling.GROWN[kind])
    elif kind == "steps":
        assert [workload.steps for workload, _ in workloads] == list(scaling.GROWN[kind])
        assert len({workload.sizes for workload, _ in workloads}) == 1
    else:
        assert [len(workload.sizes) - 2 for workload, _ in workloads] == list(scaling.GROWN[kind])
        assert len({workload.steps for workload, _ in workloads}) == 1


def test_time_outside_compiled_code_is_a_share_and_the_engine_is_left_as_it_was():
    from fastpc.engine import jit, threads

    before = threads.run_parallel, jit.Driver.__call__
    found = footprint.time_outside(WORKLOADS["A64"], DATA, epochs=1)
    assert 0 < found["share"] < 1
    assert (threads.run_parallel, jit.Driver.__call__) == before


def test_peak_memory_is_that_of_the_process_alone():
    ballast = np.ones(300_000_000 // 8)  # ours: a child must not count it
    code = """
import numpy as np
from benchmarks.footprint import peak_memory_mb
before = peak_memory_mb()
ballast = np.ones(50_000_000 // 8)
print([before, peak_memory_mb()])
"""
    before, after = processes.run(["-c", code])
    assert before < 300
    assert before + 45 < after < before + 100
    assert ballast.all()
