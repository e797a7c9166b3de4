"""The programs that README and documentation show run, page after page, as somebody reading would type them.

They stand as they are, but MNIST is a small file of digits. What takes minutes whatever the data (all presets, other
libraries) is run by tests of its own, and shortened here.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mnist_in_small

pytest.importorskip("typer")

from fastpc.cli import main

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = {path.name: path.read_text(encoding="utf-8") for path in [CHECKOUT / "README.md", *CHECKOUT.glob("docs/*.md")]}
SECONDS = 300

# What a page needs that not everyone has installed.
NEEDS = {
    "tensorflow.md": ("tensorflow", "tensorboard"),
    "pictures.md": ("matplotlib",),
    "getting-started.md": ("matplotlib",),
    "README.md": ("matplotlib", "optuna"),
    "distributed.md": ("mpi4py",),
    "tuning.md": ("optuna",),
}
# How to install and to test is test_readme's.
ELSEWHERE = ("python3 -m venv", ".venv/bin/", "pytest ", "pip install ")
# Commands that start several processes, or want a database: test_cli_distributed and test_cli_tuning run their like.
OF_MANY = ("distributed.md", "tuning.md")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    """Return a page's commands, in their order, without what stands behind them."""
    lines = [line.partition("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(ELSEWHERE)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in place of Keras's, with few digits in place of MNIST."""
    folder = tmp_path_factory.mktemp("keras")
    path = mnist_in_small.write(folder, 400)
    yield folder
    path.unlink()


def require(page: str) -> None:
    for module in NEEDS.get(page, ()):
        pytest.importorskip(module)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_the_programs_of_a_page_run_one_after_the_other(page: str, home: Path, tmp_path: Path) -> None:
    require(page)
    program = "\n".join(blocks(page, "python"))
    environment = os.environ | {"KERAS_HOME": str(home), "PYTHONPATH": str(CHECKOUT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("FASTPC_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page) and page not in OF_MANY])
def test_the_commands_of_a_page_run_one_after_the_other(
    page: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require(page)
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.delenv("FASTPC_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", np.zeros((3, 784), np.uint8))
    for command in commands(page):
        program, name, *arguments = shlex.split(command)
        assert program == "fastpc"
        if name == "bench":  # measures for minutes; see test_cli_bench
            continue
        if name == "tune":
            arguments += ["--trials", "2", "--epochs", "1"]
        if name == "reproduce":
            arguments += ["backprop-ce", "--quick"]
        code = main([name, *arguments])
        # Of bars for MNIST, small digits may fall short.
        assert code == 0 or (code == 1 and name == "reproduce"), f"{command}: {capsys.readouterr()}"


def test_the_tests_named_are_there() -> None:
    named = {name for page in PAGES.values() for name in re.findall(r"\btests/[\w/]+\.py", page)}
    assert named
    assert all((CHECKOUT / name).is_file() for name in named)
