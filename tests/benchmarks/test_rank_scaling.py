"""What ranks gain: the figures of the page from measurements."""

from typing import Any

import pytest

from benchmarks import rank_scaling
from ranks import needs_mpi

FOUND: dict[str, Any] = {
    "turns": [
        {
            "plain": {"seconds": 0.0080, "joining": 0.0},
            "one": {"seconds": 0.0080 + k / 1e4, "joining": 0.0},
            "strong": {"seconds": 0.0040, "joining": 0.0004},
            "weak": {"seconds": 0.0100, "joining": 0.0005},
        }
        for k in range(3)
    ],
    "shares": [(size, 1e-3 + 25e-6 * size) for size in rank_scaling.SHARES],
    "vectors": [(n, 10e-6 + n * 4 / 4e9) for n in rank_scaling.VECTORS],
    "machine": {"cpu": "one of these", "cores": 2},
}


def test_the_gains_are_medians_of_turns():
    found = rank_scaling.medians(FOUND)
    assert found["strong"] == pytest.approx(0.0081 / 0.0040)
    assert found["weak"] == pytest.approx(2 * 0.0081 / 0.0100)
    assert found["overhead"] == pytest.approx(0.0001 / 0.0080)
    assert found["joining strong"] == pytest.approx(0.1)
    assert found["joining weak"] == pytest.approx(0.05)


def test_the_words_have_every_figure():
    words = rank_scaling.scaling_in_words(FOUND)
    assert "| 2, strong | 256 | 4.00 | 64,000 | 2.02 | 10.0% |" in words
    assert "| 2, weak | 512 | 10.00 | 51,200 | 1.62 | 5.0% |" in words


def test_the_page_has_the_sections_that_the_command_fills():
    page = rank_scaling.PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- figures: scaling -->") == page.count("<!-- figures: model -->") == 1
    assert f"figures/{rank_scaling.FIGURE}" in page


def test_the_chart_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    rank_scaling.chart(FOUND).savefig(tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1000


@needs_mpi
def test_two_ranks_say_what_they_measured(mnist_npz):
    found = rank_scaling.launch(2, "--data", str(mnist_npz), "--batches", "4", "--batch-size", "64")
    assert 0 < found["joining"] < found["seconds"]
    assert [n for n, _ in rank_scaling.launch(2, "--vectors")] == list(rank_scaling.VECTORS)
