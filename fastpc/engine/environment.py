"""What the environment says to the compiler, looked at before the compiler itself trips over it."""

from __future__ import annotations

import os

from fastpc.errors import ConfigurationError

LAYERS = ("default", "omp", "tbb", "workqueue", "safe", "threadsafe", "forksafe")


def check_environment() -> None:
    """Refuse what no kernel can be compiled or run with.

    Raises
    ------
    ConfigurationError
        Naming the variable.
    """
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not threads.strip().isdecimal() or int(threads) < 1:
        raise _refusal("NUMBA_NUM_THREADS", "to be a whole number of at least 1", threads)
    layer = os.environ.get("NUMBA_THREADING_LAYER", "default")
    if layer.lower() not in LAYERS:
        raise _refusal("NUMBA_THREADING_LAYER", f"to be one of {', '.join(LAYERS)}", layer)
    if (disabled := os.environ.get("NUMBA_DISABLE_JIT", "0")) not in ("", "0"):
        raise _refusal("NUMBA_DISABLE_JIT", "to be 0, as all that computes is compiled", disabled)


def _refusal(name: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(f"expected {name} {expected}, got {got!r}; unset the variable")
