"""The measuring protocol, on a clock of our own."""

import pytest

from benchmarks.handover import handover_ns
from benchmarks.machine import machine
from benchmarks.yardstick import roofline
from fastpc.hardware import FORCING, forced_settings, gemm_gflops, unforced


def scripted(*values):
    """A function that returns these values, one a call."""
    remaining = iter(values)
    return lambda *_: next(remaining)


def test_the_fraction_is_the_median_of_the_ratios_of_pairs():
    run = scripted(9.0, 1.0, 1.0, 2.0, 1.0, 1.0)  # the first is the warm-up
    found = roofline(run, int(50e9), 2, samples=300, pause=0, gemm=scripted(100, 100, 100, 104, 96))
    assert found.fraction == pytest.approx(0.5)
    assert found.samples_per_second == 300
    assert found.gemm_gflops == 100
    assert len(found.readings) == 5
    assert found.repeats == 0
    assert found.steady


def test_a_round_on_an_unsteady_machine_is_thrown_away():
    gemm = scripted(100, 100, 100, 100, 80, *[200] * 5)
    found = roofline(lambda: 1.0, int(50e9), 2, pause=0, gemm=gemm)
    assert found.repeats == 1
    assert found.steady
    assert found.fraction == pytest.approx(0.25)


def test_a_machine_that_never_steadies_gives_its_best_round_and_says_so():
    gemm = scripted(100, 100, 100, 100, 50, 100, 100, 100, 100, 80)
    found = roofline(lambda: 1.0, int(50e9), 2, attempts=2, pause=0, gemm=gemm)
    assert not found.steady
    assert min(reading.gemm_gflops for reading in found.readings) == 80


def test_a_round_in_which_the_cores_moved_apart_is_thrown_away():
    handover = scripted(45, 45, 45, 200, 200, *[210] * 5)
    found = roofline(lambda: 1.0, int(50e9), 2, pause=0, gemm=lambda *_: 100.0, handover=handover)
    assert found.repeats == 1
    assert found.steady
    assert found.handover_ns == 210


def test_a_handover_takes_time():
    assert 1 < handover_ns() < 1e7


def test_the_threads_of_a_product_come_to_rest_before_the_run(monkeypatch):
    happened = []
    monkeypatch.setattr("benchmarks.yardstick.sleep", lambda _: happened.append("rest"))
    roofline(
        lambda: happened.append("run") or 1.0,
        1,
        2,
        gemm=lambda *_: happened.append("product") or 100.0,
    )
    assert happened == ["run", *["rest", "product", "rest", "run"] * 5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_matrix_product_has_a_rate(dtype):
    assert gemm_gflops(1, dtype, size=256) > 0


def test_the_machine_names_its_blas_and_its_versions(monkeypatch):
    for name in FORCING:
        monkeypatch.delenv(name, raising=False)
    described = machine()
    assert described["cpu"]
    assert any(library["architecture"] for library in described["blas"])
    assert "numpy" in described["versions"]


def test_forced_kernels_are_noticed_and_can_be_taken_out(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    with pytest.warns(UserWarning, match="OPENBLAS_CORETYPE"):
        assert machine()["forced"]["OPENBLAS_CORETYPE"] == "Haswell"
    kept = unforced({"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_L2_SIZE": "512", "HOME": "/"})
    assert kept == {"HOME": "/"}
    assert forced_settings(kept) == {}
