"""Many batches and many fits leave nothing behind: no memory, no threads, no open files."""

import sys

import pytest

from benchmarks import steady

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_memory_threads_and_files_stay_as_they_were() -> None:
    """One network of these kept by each fit would be 8 MB, and one array of each batch 50 MB."""
    found = steady.measured(batches=1000, fits=20)
    assert set(found) == {"1000 batches", "20 fits"}
    for grown in found.values():
        assert grown["resident"] < 4e6
        # NumPy keeps some freed arrays' shapes for later, up to a bound.
        assert grown["traced"] < 3e5
        assert grown["threads"] == grown["python_threads"] == grown["files"] == 0


def test_what_is_kept_is_seen() -> None:
    kept = []

    class Keeps(steady._Marks):
        def on_chunk(self, trainer, progress):
            kept.append(trainer.snapshot())
            super().on_chunk(trainer, progress)

    marks = Keeps(2, 20)
    steady.tracemalloc.start()
    try:
        steady._trainer([marks]).fit(steady._data(10), epochs=2)
    finally:
        steady.tracemalloc.stop()
    assert steady.growth(marks.marks)["traced"] > 3e5
