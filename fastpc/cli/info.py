"""``fastpc info``: versions, threads, where compiled kernels and data are."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastpc import __version__
from fastpc.cli.options import JsonOption

EXAMPLES = """
[bold]Examples[/bold]

fastpc info                      paste this into a bug report

fastpc info --json
"""

PACKAGES = ("numpy", "numba", "scipy", "scikit-learn", "safetensors", "tensorflow", "matplotlib")


def info(as_json: JsonOption = False) -> None:
    """Print what fastpc runs on: versions, threads, cache, data."""
    from fastpc.cli.output import print_json, print_table

    record = gather()
    if as_json:
        print_json(record)
        return
    flat: dict[str, str] = {}
    for name, value in record.items():
        shown = value if not isinstance(value, dict) else _join(value)
        flat[name.replace("_", " ")] = "-" if shown is None else str(shown)
    print_table("fastpc", flat)


def gather() -> dict[str, object]:
    """Return the facts by name. Nothing is compiled, and no data is read."""
    from fastpc.data import mnist
    from fastpc.engine import jit, threads

    cache = jit.cache_folder()
    keras = mnist.keras_cache()
    return {
        "fastpc": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads.available_threads(),
        "packages": {name: _version(name) for name in PACKAGES},
        "compiled_kernels": None if cache is None else str(cache),
        "compiled_ahead": cache is not None and any(cache.iterdir()),
        "data_variable": os.environ.get(mnist.VARIABLE),
        "keras_mnist": str(keras) if os.path.isfile(keras) else None,
    }


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _join(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value or '(not there)'}" for name, value in values.items())
