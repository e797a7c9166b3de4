"""One look for all pictures, and what is said where matplotlib is missing."""

import subprocess
import sys

import pytest

from fastpc import plots
from fastpc.errors import ConfigurationError, DependencyError
from fastpc.plots.style import look, new_figure


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not plots.available()
    with pytest.raises(DependencyError, match=r"expected matplotlib.* install fastpc\[plots\]"):
        plots.learning_curves([{"accuracy": 1, "validation_accuracy": None, "energy": [1], "train_seconds": 1}])


def test_importing_it_imports_no_matplotlib():
    code = "import sys, fastpc.plots; raise SystemExit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lines_differ_by_more_than_colour():
    looks = [look(k) for k in range(7)]
    for names in (("color",), ("marker",), ("linestyle", "marker")):
        assert len({tuple(str(found[name]) for name in names) for found in looks}) == 7
    assert len({str(look(k)) for k in range(35)}) == 35


def test_the_same_figures_give_the_same_file(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("one", "two"):
        figure = new_figure(1)
        figure.subplots().plot([1, 2])
        plots.save_figure(figure, tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize("name", ["missing/figure.png", "figure.xyz"])
def test_a_file_that_cannot_be_written_is_refused(tmp_path, name):
    pytest.importorskip("matplotlib")
    with pytest.raises(ConfigurationError, match="expected a place and a format"):
        plots.save_figure(new_figure(1), tmp_path / name)
