"""The page on pictures: its example runs, and every picture it names is there."""

import re
from pathlib import Path

import pytest

from fastpc import plots
from fastpc.cli.pictures import NAMES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "pictures.md").read_text(encoding="utf-8")


def test_the_example_draws_its_pictures(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(example, "pictures.md", "exec"), {})
    assert {path.name for path in tmp_path.iterdir()} == {"curves.png", "energy.png", "confusion.png"}


def test_every_picture_has_its_line_and_its_function():
    rows = dict(re.findall(r"^\| `(\w+)`.*`(\w+)` \|$", PAGE, flags=re.MULTILINE))
    assert set(rows) == {*NAMES, "comparison"}
    assert set(rows.values()) <= set(plots.__all__)


def test_every_figure_is_there():
    figures = re.findall(r"\]\((figures/[\w.-]+)\)", PAGE)
    assert figures
    assert all((DOCS / figure).is_file() for figure in figures)
