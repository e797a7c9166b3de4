"""Damaging files and killing runs: what the command does, and what it writes down."""

from pathlib import Path

import pytest

from benchmarks import reliability
from benchmarks.errors import BenchmarkError
from benchmarks.kills import RUNS, Tally
from benchmarks.mutations import mutated
from fastpc import PCNetwork

PAGE = "before\n<!-- figures: files -->\nold\n<!-- /figures -->\nafter\n"


def test_a_damaged_file_is_never_the_file_itself_and_the_seed_decides(tmp_path):
    PCNetwork((3, 4, 2)).save(tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    one, again, other = (list(mutated(content, 200, seed)) for seed in (0, 0, 1))
    assert len(one) == 200
    assert one == again != other
    assert all(changed != content for _, changed in one)
    assert len({kind for kind, _ in one}) > 10


def test_files_are_tried_and_the_page_s_section_is_filled(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    reliability.main(["--kills", "0", "--files", "60", "--no-numbers", "--page", str(page)])
    text = page.read_text()
    assert "| CheckpointError | 60 |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")


def test_a_page_without_the_section_is_an_error(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(BenchmarkError, match="a section files"):
        reliability.main(["--kills", "0", "--files", "2", "--page", str(page)])


def test_kills_are_counted_by_run_and_told_with_their_command():
    tallies = {name: Tally(kills=25, in_saves=3, runs=2, different=["model"] * i) for i, name in enumerate(RUNS)}
    text = reliability.kills_in_words(tallies)
    assert "100 kills" in text
    assert all(" ".join(options) in text for options in RUNS.values())
    assert text.count("| 25 | 3 | 2 |") == len(RUNS)


def test_the_page_has_the_sections_that_the_command_fills():
    page = Path(reliability.PAGE).read_text()
    assert page.count("<!-- figures: kills -->") == page.count("<!-- figures: files -->") == 1
