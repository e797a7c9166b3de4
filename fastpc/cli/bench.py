"""``fastpc bench``: measure fastpc's speed beside others', on this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import fastpc
from fastpc.cli.options import ThreadsOption, in_panel
from fastpc.errors import ConfigurationError
from fastpc.hardware import unforced

EXAMPLES = """
[bold]Examples[/bold]

fastpc bench --quick               a first look, in a few minutes

fastpc bench A64 B                 two workloads, with the baselines there are

fastpc bench --out speed.json      all of them; keep what was measured

fastpc bench --python PATH         … and baselines that another Python has
"""


def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORKLOAD", help="A64, A64t, A256, B, P, W, N32, N64 or G; all by default."),
    ] = None,
    quick: Annotated[bool, in_panel("Run", "Few samples and baselines: a first look.", "--quick")] = False,
    data: Annotated[
        str | None, in_panel("Data", "MNIST's .npz file; by default FASTPC_DATA, or Keras's.", metavar="PATH")
    ] = None,
    python: Annotated[
        list[str] | None,
        in_panel(
            "Run", "Another Python, for baselines that are not installed here; as often as needed.", metavar="PATH"
        ),
    ] = None,
    threads: ThreadsOption = None,
    out: Annotated[
        Path | None, in_panel("Output", "Keep what was measured, as pytest-benchmark's JSON.", metavar="FILE")
    ] = None,
) -> None:
    """Measure the training speed of fastpc and of other libraries on the same work.

    The roofline fraction is what a plain dense implementation would multiply, over time, over the speed of this
    machine's own matrix product beside it. Needs fastpc's source tree, where the benchmarks are.
    """
    root = source_tree()
    # Without parts: their table is the report's.
    arguments = ["record", *(workloads or []), "--parts", "--out", "-" if out is None else str(out.absolute())]
    arguments += ["--quick"] if quick else []
    arguments += [] if data is None else ["--data", os.path.abspath(data)]
    arguments += [] if threads is None else ["--threads", str(threads)]
    for path in python or []:
        arguments += ["--python", path]
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=root, env=environment(root), check=False)
    if done.returncode != 0:
        raise typer.Exit(done.returncode)


def source_tree() -> Path:
    """Return the folder that holds both fastpc and its benchmarks.

    Raises
    ------
    ConfigurationError
        If the benchmarks are not beside the package, as in an installed wheel.
    """
    root = Path(fastpc.__file__).resolve().parents[1]
    if not (root / "benchmarks" / "workloads.py").is_file():
        raise ConfigurationError(
            f"expected fastpc's benchmarks beside the package, got none in {root}; "
            "they come with the source, not with the wheel, so run this from a checkout installed with pip install -e"
        )
    return root


def environment(root: Path) -> dict[str, str]:
    """Return this process's environment with the benchmarks importable, and nothing forced upon BLAS."""
    paths = [str(root), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return unforced(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
