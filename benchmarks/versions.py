"""The tests with the lowest versions of what fastpc needs, and with the newest, each in a fresh environment.

``python -m benchmarks versions [lowest] [newest]``. Needs a package index; takes some minutes.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.mnist import CHECKOUT
from benchmarks.processes import environment
from benchmarks.report import markdown

KINDS = ("lowest", "newest")
# What meets other packages: compiled code and its cache, threads, files, the command line, estimators.
TESTS = (
    *("engine/test_cache.py", "engine/test_train.py", "engine/test_threads.py", "test_trainer.py", "test_cli.py"),
    *("test_determinism.py", "test_blas.py", "test_tensor_file.py", "estimators", "test_extras.py"),
)
FIGURES = ("passed", "failed", "error", "errors", "skipped")


@dataclass(frozen=True)
class Outcome:
    """What the tests said with one set of versions."""

    kind: str
    versions: dict[str, str]
    counts: dict[str, int]


def main(arguments: list[str]) -> None:
    """Try the kinds asked for, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks versions", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="lowest, newest; both by default")
    print(in_words(tried(parser.parse_args(arguments).kinds or KINDS)))


def tried(kinds: list[str] | tuple[str, ...] = KINDS) -> list[Outcome]:
    """Run the tests with every kind of versions."""
    return [_try(kind) for kind in kinds]


def in_words(outcomes: list[Outcome]) -> str:
    """Return the table in Markdown."""
    rows = [
        [
            outcome.kind,
            ", ".join(f"{name} {number}" for name, number in outcome.versions.items()),
            *(str(outcome.counts.get(name, 0)) for name in ("passed", "skipped")),
        ]
        for outcome in outcomes
    ]
    python = ".".join(map(str, sys.version_info[:3]))
    table = markdown([["versions", "which", "passed", "skipped"], *rows])
    return f"{table}\n\nOn Python {python}, of `tests/`: {', '.join(f'`{name}`' for name in TESTS)}. None failed."


def requirements() -> list[str]:
    """Return what fastpc and its tests need, as pyproject.toml says it."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["test"]]


def pinned(requirement: str) -> str:
    """Return a requirement at the lowest version that it allows."""
    name, found, lowest = requirement.partition(">=")
    if not found or not re.fullmatch(r"[0-9.]+", lowest):
        raise BenchmarkError(f"expected a lowest version in pyproject.toml's {requirement!r}, got none")
    return f"{name}=={lowest}"


def counts(summary: str) -> dict[str, int]:
    """Return the figures of pytest's last line."""
    return {name: int(number) for number, name in re.findall(rf"(\d+) ({'|'.join(FIGURES)})\b", summary)}


def _try(kind: str) -> Outcome:
    wanted = requirements()
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "bin", "python"))
        packages = [pinned(line) for line in wanted] if kind == "lowest" else ["--upgrade", *wanted]
        _run([python, "-m", "pip", "install", "-q", *packages])
        _run([python, "-m", "pip", "install", "-q", "--no-deps", str(CHECKOUT)])
        frozen = dict(line.split("==") for line in _run([python, "-m", "pip", "freeze"]).splitlines() if "==" in line)
        names = [re.split("[>=]", line)[0] for line in wanted]
        more = {"FASTPC_CACHE_DIR": str(Path(folder, "kernels")), "PYTHONPATH": os.pathsep.join([str(CHECKOUT)])}
        tests = [f"tests/{name}" for name in TESTS]
        # What old packages do is deprecated by newer ones that they need.
        warned = ["-o", "filterwarnings=default"] if kind == "lowest" else []
        said = _run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *warned, *tests], more)
    return Outcome(kind, {name: frozen[name] for name in names}, counts(said.splitlines()[-1]))


def _run(command: list[str], more: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment(more), capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode != 0:
        print(done.stdout[-6000:], done.stderr[-6000:], file=sys.stderr)
        raise BenchmarkError(f"expected {' '.join(command[1:5])} … to succeed, got exit code {done.returncode}")
    return done.stdout
