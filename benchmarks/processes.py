"""Measurements in processes of their own.

Thread pools of several libraries in one process slow each other down, BLAS reads the variables that force its kernels
only as it is loaded, and what was imported or compiled once is so for good.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.mnist import CHECKOUT
from fastpc.hardware import unforced


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, the checkout importable, nothing forced upon BLAS, and `more`."""
    found = unforced(os.environ) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    paths = [str(CHECKOUT), *found.get("PYTHONPATH", "").split(os.pathsep)]
    return found | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)} | dict(more or {})


def run(
    arguments: Sequence[str],
    python: str = sys.executable,
    more: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Any:
    """Run Python with these arguments and return what its last line of output says, in JSON.

    Raises
    ------
    BenchmarkError
        With the process's last words, if it fails or says nothing.
    """
    command = [python, *arguments]
    try:
        done = subprocess.run(
            command, env=environment(more), capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchmarkError(f"expected {' '.join(arguments)} to run with {python}, got {error}") from error
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        words = (done.stderr.splitlines() or lines or ["no word"])[-1]
        raise BenchmarkError(f"expected {' '.join(arguments)} to succeed, got exit code {done.returncode}: {words}")
    return json.loads(lines[-1])
