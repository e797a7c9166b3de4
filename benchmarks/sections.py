"""Sections of a page that a command fills, between two comments."""

from pathlib import Path

from benchmarks.errors import BenchmarkError

BEGIN, END = "<!-- figures: {} -->", "<!-- /figures -->"


def fill(page: Path, name: str, text: str) -> None:
    """Replace one section of a page, and print it.

    Raises
    ------
    BenchmarkError
        If the page has no such section.
    """
    content = page.read_text(encoding="utf-8")
    before, found, rest = content.partition(BEGIN.format(name) + "\n")
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise BenchmarkError(f"expected a section {name} in {page}, got none")
    page.write_text(f"{before}{found}{text}\n{closed}{after}", encoding="utf-8")
    print(text)
