"""How fastpc compiles: a few decorators and one set of floating-point flags.

Everything in `fastpc.engine` that runs compiled is marked ``@kernel`` (or a variant of it: a serial function, compiled
when something calls it) or ``@driver`` (an entry point called from Python, and kept in the disk cache).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from fastpc.engine import threads
from fastpc.engine.cache import keep_on_disk
from fastpc.engine.linking import LinkedCompiler, WideCompiler

# Everything `fastmath=True` grants except "nnan" and "ninf": those let LLVM assume that NaN and infinity
# never occur, and would delete the very tests that catch a diverging network.
FAST_MATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
# For functions that only kernels call. What would let Python call them, and passes and machine code of their own
# before those of their callers, would take much longer to compile; see linking.
INNER = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": LinkedCompiler,
}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial function that other kernels call; it lives in the cache of the driver that uses it."""
    return numba.njit(fastmath=FAST_MATH, **INNER)(function)


def inline_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel into each of its callers: for small ones in the innermost loops."""
    return numba.njit(fastmath=FAST_MATH, forceinline=True, **INNER)(function)


def merged_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel as a part of its one caller, rather than once for itself and again with the caller."""
    return numba.njit(fastmath=FAST_MATH, inline="always", **INNER)(function)


def exact_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel whose operations keep their order; only a product and a sum may fuse."""
    return numba.njit(fastmath={"contract"}, **INNER)(function)


class Driver:
    """An entry point: a compiled ``f(thread, …)``, one thread's share of the work, run on as many threads as wanted.

    On one thread it is called as it is. On several, a small ``@njit(parallel=True)`` loop calls it by its address:
    compiled as part of the parallel loop, all of a kernel would pass through the compiler four more times.
    Calls do not hold the interpreter lock, and everything is cached on disk.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._share = numba.njit(nogil=True, fastmath=FAST_MATH, error_model="numpy", pipeline_class=WideCompiler)(
            function
        )
        keep_on_disk(self._share)
        self._addresses: dict[Any, int] = {}
        functools.update_wrapper(self, function)

    def __call__(self, n_threads: int, *arguments: Any) -> None:
        """Run every thread's share and return when all are done."""
        address = self._address(arguments)
        if not threads.may_run_parallel(n_threads):
            self._require(threads.run_serially(n_threads, address, arguments))
            return
        with threads.region_lock:
            threads.start_threading_layer()
            before = numba.get_num_threads()
            numba.set_num_threads(min(n_threads, threads.available_threads()))
            try:
                self._require(threads.run_parallel(n_threads, address, arguments))
            finally:
                numba.set_num_threads(before)

    def _require(self, came_to_its_end: bool) -> None:
        """Kernels raise nothing but for want of memory, or an index out of bounds with NUMBA_BOUNDSCHECK=1."""
        if not came_to_its_end:
            name = self._share.py_func.__name__
            raise RuntimeError(f"expected {name} to come to its end, got an error inside")

    def _address(self, arguments: tuple[Any, ...]) -> int:
        # Numba takes a millisecond to find the types of so many arrays: a whole epoch of a small data set.
        looks = _looks(arguments)
        if looks not in self._addresses:
            kinds = (numba.int64, *(numba.typeof(argument) for argument in arguments))
            if kinds not in self._share.overloads:
                self._share.compile(kinds)
            compiled = self._share.overloads[kinds]
            pointer = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
            self._addresses[looks] = int(pointer)
        return self._addresses[looks]

    @property
    def signatures(self) -> list[Any]:
        """The signatures compiled, or loaded from the cache, so far."""
        return list(self._share.signatures)


def _looks(argument: Any) -> Any:
    """Return what decides an argument's compiled type, whole numbers being below 2^63."""
    if isinstance(argument, tuple):
        return type(argument), *map(_looks, argument)
    if isinstance(argument, np.ndarray):
        flags = argument.flags
        return argument.dtype, argument.ndim, flags.c_contiguous, flags.f_contiguous, flags.aligned, flags.writeable
    return type(argument)


def driver(function: Callable[..., Any]) -> Driver:
    """Compile an entry point."""
    return Driver(function)


for _dispatcher in (threads._in_parallel, threads.run_parallel, threads.run_serially):
    keep_on_disk(_dispatcher)
