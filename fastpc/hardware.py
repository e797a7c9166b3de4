"""What there is to compute with: the processor, its BLAS, and how fast that multiplies matrices."""

import platform
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from fastpc.blas import blas_threads

FORCING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""They make OpenBLAS run the kernels of another processor, and are read only as it is loaded."""
SIZE = 2048


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def forced_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an environment that force BLAS kernels, and their values."""
    return {name: environ[name] for name in FORCING if name in environ}


def unforced(environ: Mapping[str, str]) -> dict[str, str]:
    """Copy an environment without them, to start an honest measurement in a new process.

    BLAS reads them once, as it is loaded: to unset them later changes nothing.
    """
    return {name: value for name, value in environ.items() if name not in FORCING}


def blas_libraries() -> list[dict[str, Any]]:
    """Return each BLAS that NumPy and SciPy bring: library, version, the processor it chose kernels of, threads."""
    import numpy  # noqa: F401  (loads its BLAS, which is asked about)
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [
        {
            "library": Path(library["filepath"]).name,
            "version": library["version"],
            "architecture": library.get("architecture"),
            "threads": library["num_threads"],
        }
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]


def gemm_gflops(threads: int, dtype: Literal["float32", "float64"] = "float32", size: int = SIZE) -> float:
    """Return the rate of one square matrix product, ``size``³, on so many BLAS threads, in GFLOP/s."""
    import numpy as np
    import scipy.linalg  # noqa: F401  (loads SciPy's own BLAS, so that the limit below finds it)

    rng = np.random.default_rng(0)
    a, b = rng.random((2, size, size), dtype=np.float64).astype(dtype)
    out = np.empty_like(a)
    with blas_threads(threads):
        np.matmul(a[:256], b, out=out[:256])  # wakes the threads
        start = perf_counter()
        np.matmul(a, b, out=out)
        seconds = perf_counter() - start
    return 2 * size**3 / seconds / 1e9
