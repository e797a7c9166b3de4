"""The examples run, in a quick form: word for word as they stand, but on small digits blown up to MNIST's size."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mnist_in_small

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "examples"
SECONDS = 300

# What each prints, its figures as groups.
PRINTED = {
    "mnist_in_ten_lines": r"samples a second\n(.*)% of the test images",
    "notebook": r"Batch Accuracy: (100.00)%\nsoftmax(?:.|\n)* generative PC: (.*)% of the test images",
    "tf_data": r"fastpc: (.*)% of the test images\nKeras:  (.*)%",
    "generating_digits": r"recognises (.*)% of the test images, and draws",
    "grid_search": r"(?:(?:.*)% in cross-validation with .*\n){4}the best of these: (.*)% of the test digits",
    "custom_rule": r"(.*)% of the test digits",
}
# Not all learn much of so few samples in so few epochs; chance is 10%.
LEAST = 25.0


@pytest.fixture(scope="module")
def small_mnist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in place of Keras's, with digits of 28×28 pixels in place of MNIST."""
    home = tmp_path_factory.mktemp("keras")
    path = mnist_in_small.write(home)
    yield home
    path.unlink()


def run(arguments: list[str], home: Path, folder: Path) -> str:
    """Run Python in a folder of its own, and return what was printed."""
    environment = os.environ | {"KERAS_HOME": str(home), "PYTHONPATH": str(CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTEST_XDIST_WORKER", None)  # or a benchmark inside would think itself one of several workers
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_is_for(name: str, small_mnist: Path, tmp_path: Path) -> None:
    if name == "tf_data":
        pytest.importorskip("tensorflow")
    printed = re.search(PRINTED[name], run([str(FOLDER / f"{name}.py")], small_mnist, tmp_path))
    assert printed is not None
    assert all(float(figure) >= LEAST for figure in printed.groups())
    assert len({*printed.groups()}) == 1 or name != "tf_data"  # Keras finds what fastpc does


def test_the_example_of_tracking_measures(small_mnist: Path, tmp_path: Path) -> None:
    pytest.importorskip("pytest_benchmark")
    arguments = ["-m", "pytest", str(FOLDER / "performance_tracking.py"), "-q", "-p", "no:cacheprovider"]
    printed = run([*arguments, "--benchmark-json=figures.json"], small_mnist, tmp_path)
    assert "2 passed" in printed
    assert '"samples_per_second": ' in (tmp_path / "figures.json").read_text(encoding="utf-8")


def test_no_example_is_left_out() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {*PRINTED, "performance_tracking"}


def test_ten_lines_are_ten() -> None:
    text = (FOLDER / "mnist_in_ten_lines.py").read_text(encoding="utf-8")
    code = text.partition('"""\n')[2]
    assert len([line for line in code.splitlines() if line.strip()]) == 10
