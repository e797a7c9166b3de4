"""``fastpc info``: what a bug report needs."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from fastpc import __version__, hardware
from fastpc.cli.options import JsonOption

EXAMPLES = """
[bold]Examples[/bold]

fastpc info                      paste this into a bug report

fastpc info --json
"""

WORDS = {
    "cpu_features": "CPU features",
    "blas": "BLAS",
    "forced_blas": "forced BLAS",
    "sgemm_gflops": "sgemm, GFLOP/s",
    "compiled_megabytes": "compiled, of all versions, MB",
}
PACKAGES = (
    *("numpy", "numba", "llvmlite", "scipy", "scikit-learn", "safetensors", "threadpoolctl", "typer", "rich"),
    *("tensorflow", "matplotlib", "optuna"),
)


def info(as_json: JsonOption = False) -> None:
    """Print what fastpc runs on: versions, processor, threads, BLAS and its speed, compiled kernels, data."""
    from fastpc.cli.output import print_json, print_table

    record = gather()
    if as_json:
        print_json(record)
        return
    flat: dict[str, str] = {}
    for name, value in record.items():
        flat[WORDS.get(name, name.replace("_", " "))] = _shown(value)
    print_table("fastpc", flat)


def gather() -> dict[str, object]:
    """Return the facts by name. No kernel is compiled, and no data is read; a matrix product is timed."""
    from fastpc.data import mnist
    from fastpc.engine import processor, threads
    from fastpc.engine.cache import cache_folder, cache_size

    cache = cache_folder()
    keras = mnist.keras_cache()
    n = threads.available_threads()
    return {
        "fastpc": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "processor": hardware.processor(),
        "cores": os.cpu_count(),
        "compiled_for": processor.compiled_for(),
        "cpu_features": processor.vector_features(),
        "vector_bits": processor.vector_bits(),
        "threads": n,
        "threading_layer": threads.start_threading_layer(),
        "blas": hardware.blas_libraries(),
        "forced_blas": hardware.forced_settings(os.environ) or None,
        # The best of three: what else the machine does makes it slower, never faster.
        "sgemm_gflops": round(max(hardware.gemm_gflops(n) for _ in range(3)), 1),
        "packages": {name: _version(name) for name in PACKAGES},
        "compiled_kernels": None if cache is None else str(cache),
        "compiled_ahead": cache is not None and any(cache.iterdir()),
        "compiled_megabytes": None if cache is None else round(cache_size(cache) / 1e6, 1),
        "data_variable": os.environ.get(mnist.VARIABLE),
        "keras_mnist": str(keras) if os.path.isfile(keras) else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _shown(value: object) -> str:
    """Write a fact in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {part or '(not there)'}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(_of_library(part) if isinstance(part, dict) else str(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _of_library(library: dict[str, object]) -> str:
    return f"{library['library']} {library['version']}, kernels for {library['architecture']}"
