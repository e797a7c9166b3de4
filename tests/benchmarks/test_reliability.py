"""Damaging files and killing runs: what the command does, and what it writes down."""

import os
from pathlib import Path

import pytest

from benchmarks import load, reliability, steady, versions
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
    reliability.main(["files", "--files", "60", "--page", str(page)])
    text = page.read_text()
    assert "| CheckpointError | 60 |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")


def test_a_page_without_the_section_is_an_error(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(BenchmarkError, match="a section files"):
        reliability.main(["files", "--files", "2", "--page", str(page)])


def test_kills_are_counted_by_run_and_told_with_their_command():
    tallies = {name: Tally(kills=25, in_saves=3, runs=2, different=["model"] * i) for i, name in enumerate(RUNS)}
    text = reliability.kills_in_words(tallies)
    assert "100 kills" in text
    assert all(" ".join(options) in text for options in RUNS.values())
    assert text.count("| 25 | 3 | 2 |") == len(RUNS)


def test_the_page_has_the_sections_that_the_command_fills():
    page = Path(reliability.PAGE).read_text()
    for part in reliability.PARTS:
        assert page.count(f"<!-- figures: {part} -->") == 1


def test_unknown_parts_are_an_error(tmp_path):
    with pytest.raises(BenchmarkError, match=r"parts of kills, files, .*, got floods"):
        reliability.main(["floods"])


def test_rates_beside_other_work_are_told_with_their_ratio():
    text = load.in_words([load.Rates("A64", 2, 400_000.0, 380_000.0, 200_000.0)])
    assert "| A64 | 2 | 400,000 | 380,000 | 0.95 | 200,000 |" in text


def test_busy_processes_are_there_and_gone():
    with load.busy_processes(2):
        assert process_time_of_children() == 0
    assert process_time_of_children() > 0.1


def process_time_of_children() -> float:
    """Return the seconds that children which have ended took since the last call."""
    now = os.times().children_user
    spent, process_time_of_children.before = now - getattr(process_time_of_children, "before", now), now
    return spent


def test_what_grew_is_told_by_mark():
    first = {"resident": 1000, "traced": 10, "threads": 2, "python_threads": 1, "files": 5}
    last = first | {"resident": 5000, "files": 4}
    assert steady.growth([first, {}, last]) == {
        "resident": 4000, "traced": 0, "threads": 0, "python_threads": 0, "files": -1
    }  # fmt: skip
    assert "| 20 fits | +4 | +0.0 | +0 | -1 |" in steady.in_words({"20 fits": steady.growth([first, last])})


def test_the_lowest_versions_are_those_of_the_project():
    wanted = versions.requirements()
    assert any(line.startswith("numba>=") for line in wanted)
    assert any(line.startswith("pytest>=") for line in wanted)
    assert versions.pinned("numpy>=1.26") == "numpy==1.26"
    for line in wanted:
        assert versions.pinned(line).startswith(line.partition(">=")[0] + "==")
    with pytest.raises(BenchmarkError, match="a lowest version"):
        versions.pinned("numpy")
    assert versions.counts("= 12 passed, 3 skipped, 1 error in 2.0s =") == {"passed": 12, "skipped": 3, "error": 1}


@pytest.mark.parametrize("name", versions.TESTS)
def test_the_tests_of_other_versions_are_there(name):
    assert (versions.CHECKOUT / "tests" / name).exists()
