"""Programs on several ranks of MPI, in processes of their own."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
needs_mpi = pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="needs fastpc[mpi]")


def mpiexec(ranks: int, *arguments: str) -> list[str]:
    """Return the command that runs Python with these arguments on so many ranks."""
    beside = Path(sys.executable).parent / "mpiexec"
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert launcher is not None, "mpi4py is installed without an mpiexec"
    return [launcher, "-n", str(ranks), sys.executable, *arguments]


def environment(noted: bool = True) -> dict[str, str]:
    """Return the ranks' environment. Unless `noted`, none notes which lines it runs: that doubles time to compile."""
    paths = (str(ROOT), str(ROOT / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep))
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return {name: value for name, value in variables.items() if noted or name != "COVERAGE_PROCESS_START"}


def run(ranks: int, *arguments: str, noted: bool = False, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run Python on so many ranks to the end."""
    return subprocess.run(
        mpiexec(ranks, *arguments), cwd=ROOT, env=environment(noted), capture_output=True, text=True, timeout=300,
        check=False, **more,
    )  # fmt: skip


def fastpc(ranks: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``fastpc`` on so many ranks, with ``--distributed mpi``."""
    return run(ranks, "-m", "fastpc", *arguments, "--distributed", "mpi", noted=True)


def processes_of(root: int) -> dict[int, int]:
    """Return the process numbers of a launcher's ranks, by rank."""
    parents, ranks = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            ranks[int(folder.name)] = _rank(folder)
        except OSError:  # it has just ended
            continue
    below = {root}
    while new := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= new
    return {rank: pid for pid, rank in ranks.items() if pid in below and rank is not None}


def _rank(folder: Path) -> int | None:
    variables = dict(entry.partition("=")[::2] for entry in (folder / "environ").read_text().split("\0"))
    return int(variables["PMI_RANK"]) if "PMI_RANK" in variables else None
