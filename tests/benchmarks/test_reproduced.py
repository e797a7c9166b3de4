"""What `fastpc reproduce` reached, between the marks of our pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import readme
from benchmarks.errors import BenchmarkError


def results(**more: Any) -> dict[str, Any]:
    runs = [{"layers": [784, 128, 10], "processor": "Fast", "threads": 2}] * 2
    preset = {"about": "PC", "bar": 0.98, "published": None, "mean": 0.9825, "values": [0.982, 0.983]}
    preset |= {"measure": "test accuracy", "met": True, "train_seconds": 8.0, "runs": runs}
    return {"fastpc": "1.0", "quick": False, "met": True, "presets": {"pc-se": preset}} | more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "runs"
    found.mkdir()
    (found / "curves.png").write_bytes(b"picture")
    (found / "curves.json").write_text("{}")
    return found


def test_the_pages_get_the_table_and_the_curves(folder: Path, tmp_path: Path) -> None:
    (folder / "results.json").write_text(json.dumps(results()))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: reproduced -->\nold\n<!-- /figures -->\nafter\n")
    readme.main([str(folder), "--pages", str(page), "--figures", str(tmp_path / "figures")])
    text = page.read_text()
    assert "| `pc-se` | PC | 784-128-10 | 98.00% |  | **98.25%** | 98.20%, 98.30% | 4 |" in text
    assert "fastpc 1.0, on Fast, 2 threads" in text
    assert text.startswith("before\n")
    assert text.endswith("<!-- /figures -->\nafter\n")
    assert "old" not in text
    assert (tmp_path / "figures" / "learning.png").read_bytes() == b"picture"
    assert (tmp_path / "figures" / "learning.json").read_text() == "{}"


def test_the_pages_get_what_a_classifier_recognised_of_sampled_digits(folder: Path, tmp_path: Path) -> None:
    found = {"classifier": "pc-ce", "confident": 0.9, "samples": 1000, "seeds": [0.5, 0.7], "classes": [400, 100]}
    found |= {"recognised": {"test images": 0.98, "from the prior": 0.6}, "deviation": 0.75}
    (folder / "results.json").write_text(json.dumps(results(sampled=found)))
    (folder / "sampled.png").write_bytes(b"digits")
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: sampled -->\n<!-- /figures -->\n")
    readme.main([str(folder), "--pages", str(page), "--figures", str(tmp_path / "figures")])
    text = page.read_text()
    assert "| from the prior | 60.0% |" in text
    assert "400 as 0, 100 as 1" in text
    assert "by 0.75 from 0" in text
    assert (tmp_path / "figures" / "sampled.png").read_bytes() == b"digits"


@pytest.mark.parametrize("kind", [{"quick": True}, {"met": False}])
def test_quick_runs_and_missed_bars_do_not_reach_the_pages(folder: Path, kind: dict[str, Any]) -> None:
    (folder / "results.json").write_text(json.dumps(results(**kind)))
    with pytest.raises(BenchmarkError, match="expected whole runs that met every bar"):
        readme.main([str(folder)])


def test_a_folder_without_results_is_named(folder: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"expected results\.json"):
        readme.main([str(folder)])


@pytest.mark.parametrize("page", [readme.README, readme.DOCS], ids=lambda page: page.name)
def test_our_pages_have_the_block(page: Path) -> None:
    assert "<!-- figures: reproduced -->" in page.read_text(encoding="utf-8")
