"""What a figure was measured on: the processor, its BLAS, the threads and the versions."""

import contextlib
import os
import platform
import sys
import threading
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastpc.hardware import blas_libraries, forced_settings, processor

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
        "blas": blas_libraries(),
        "numba_threading_layer": _numba_threading_layer(),
        "forced": forced,
        "versions": _versions(),
    }


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread_threads() -> None:
    """Keep this thread on one core and all others that are there off it, where a process may be told so.

    Some virtual machines pack the threads of a process onto one core and leave them there, for seconds and by chance:
    two then run at the speed of one.
    """
    if not hasattr(os, "sched_setaffinity") or cores() < 2:
        return
    first, *others = sorted(os.sched_getaffinity(0))
    main_thread = threading.get_native_id()
    for name in os.listdir("/proc/self/task"):
        # A thread may be over by now.
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(name), {first} if int(name) == main_thread else set(others))


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
