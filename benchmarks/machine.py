"""What a figure was measured on: the processor, its BLAS, the threads and the versions."""

import os
import platform
import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401  (loads its BLAS, which is asked about below)
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info

from fastpc.cli.info import processor

FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Environment variables that make OpenBLAS run kernels of another processor than this one."""

PACKAGES = ("fastpc", "numpy", "scipy", "numba", "tensorflow", "keras", "torch", "jax", "jaxlib")


def machine() -> dict[str, Any]:
    """Describe this machine, for the record beside a figure.

    Returns
    -------
    dict
        Ready for JSON: ``cpu``, ``cores``, ``blas`` (per library: name, version, the kernel
        architecture it chose, threads), ``numba_threading_layer`` (None until a parallel kernel
        has run), ``forced`` (the environment variables that slow BLAS down) and ``versions``.

    Warns
    -----
    UserWarning
        If the environment forces BLAS to another processor's kernels.
    """
    forced = forced_settings(os.environ)
    if forced:
        warnings.warn(
            f"the environment forces BLAS kernels ({forced}), so the yardstick reads low; "
            f"unset {' and '.join(forced)} before Python starts",
            stacklevel=2,
        )
    return {
        "cpu": processor(),
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "blas": [
            {
                "library": Path(library["filepath"]).name,
                "version": library["version"],
                "architecture": library.get("architecture"),
                "threads": library["num_threads"],
            }
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ],
        "numba_threading_layer": _numba_threading_layer(),
        "forced": forced,
        "versions": _versions(),
    }


def forced_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that force BLAS kernels, and their values."""
    return {name: environ[name] for name in FORCING if name in environ}


def unforced(environ: Mapping[str, str]) -> dict[str, str]:
    """Copy an environment without them, to start an honest measurement in a new process.

    BLAS reads them once, as it is loaded: to unset them later changes nothing.
    """
    return {name: value for name, value in environ.items() if name not in FORCING}


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _numba_threading_layer() -> str | None:
    # Numba is asked only where it already runs: to import it takes longer than a short benchmark.
    numba = sys.modules.get("numba")
    if numba is None:
        return None
    try:
        return str(numba.threading_layer())
    except ValueError:
        return None


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
