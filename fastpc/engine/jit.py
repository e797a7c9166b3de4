"""How fastpc compiles: a few decorators, one set of floating-point flags, one disk cache.

Everything in `fastpc.engine` that runs compiled is marked ``@kernel`` (or a variant of it: a serial function, compiled
when something calls it) or ``@driver`` (an entry point called from Python, and kept in the disk cache).
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import caching

from fastpc.engine import threads
from fastpc.engine.linking import LinkedCompiler

# Everything `fastmath=True` grants except "nnan" and "ninf": those let LLVM assume that NaN and infinity
# never occur, and would delete the very tests that catch a diverging network.
FAST_MATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
# For functions that only kernels call. What would let Python call them, and passes and machine code of their own
# before those of their callers, would take much longer to compile; see linking.
_INNER = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": LinkedCompiler,
}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a serial function that other kernels call; it lives in the cache of the driver that uses it."""
    return numba.njit(fastmath=FAST_MATH, **_INNER)(function)


def inline_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel into each of its callers: for small ones in the innermost loops."""
    return numba.njit(fastmath=FAST_MATH, forceinline=True, **_INNER)(function)


def merged_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel as a part of its one caller, rather than once for itself and again with the caller."""
    return numba.njit(fastmath=FAST_MATH, inline="always", **_INNER)(function)


def exact_kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel whose operations keep their order; only a product and a sum may fuse."""
    return numba.njit(fastmath={"contract"}, **_INNER)(function)


class Driver:
    """An entry point: a compiled ``f(thread, …)``, one thread's share of the work, run on as many threads as wanted.

    On one thread it is called as it is. On several, a small ``@njit(parallel=True)`` loop calls it by its address:
    compiled as part of the parallel loop, all of a kernel would pass through the compiler four more times.
    Calls do not hold the interpreter lock, and everything is cached on disk.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._share = numba.njit(nogil=True, fastmath=FAST_MATH, error_model="numpy")(function)
        _cache(self._share)
        self._addresses: dict[Any, int] = {}
        functools.update_wrapper(self, function)

    def __call__(self, n_threads: int, *arguments: Any) -> None:
        """Run every thread's share and return when all are done."""
        address = self._address(arguments)
        if not threads.may_run_parallel(n_threads):
            threads.run_serially(n_threads, address, arguments)
            return
        with threads.region_lock:
            before = numba.get_num_threads()
            numba.set_num_threads(min(n_threads, threads.available_threads()))
            try:
                threads.run_parallel(n_threads, address, arguments)
            finally:
                numba.set_num_threads(before)

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


def _cache(dispatcher: Any) -> None:
    if cache_folder() is not None:
        dispatcher._cache = _DriverCache(dispatcher.py_func)


def cache_folder() -> Path | None:
    """Return the folder of compiled kernels for exactly this engine, or None when nothing can be written.

    Numba's own cache looks only at the file a function stands in, and so would run a stale driver after an edit to
    a kernel it calls. The folder's name therefore digests every engine source and every version that matters.
    """
    global _folder, _folder_known
    if not _folder_known:
        _folder = _find_folder()
        _folder_known = True
    return _folder


_folder: Path | None = None
_folder_known = False


def engine_digest() -> str:
    """Digest the engine's sources and the versions of what compiles them, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine())
    digest.update("\0".join(versions).encode())
    return digest.hexdigest()[:16]


def _find_folder() -> Path | None:
    chosen = os.environ.get("FASTPC_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(chosen or os.path.join(home, "fastpc")) / f"kernels-{engine_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else None


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """Put every driver's files in `cache_folder()`; the folder's name is the stamp of freshness."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        return Path(self.get_cache_path()).name

    def get_disambiguator(self) -> str:
        return str(self._line)


class _DriverFiles(caching.CompileResultCacheImpl):  # type: ignore[misc]
    def __init__(self, function: Callable[..., Any]) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Locator(function)
        name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, getattr(sys, "abiflags", ""))


def _comes_from_outside(kind: Any) -> bool:
    """Return whether an argument's type holds settings that do not stand in the engine, as those of outside rules."""
    settings = getattr(kind, "instance_class", None)
    if settings is not None and not settings.__module__.startswith(f"{__package__}."):
        return True
    return isinstance(kind, numba.types.BaseTuple) and any(_comes_from_outside(part) for part in kind.types)


class _DriverCache(caching.FunctionCache):  # type: ignore[misc]
    """Numba's cache, with two differences.

    A broken or unwritable cache only costs a compilation. And what runs an outside rule's kernel is never kept: the
    folder's name does not digest that kernel's source, so that after an edit the old one would run.
    """

    _impl_class = _DriverFiles

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        if any(_comes_from_outside(kind) for kind in getattr(signature, "args", signature)):
            return None
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # a damaged file can raise anything; compiling again mends it
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        if any(_comes_from_outside(kind) for kind in getattr(signature, "args", signature)):
            return
        try:
            super().save_overload(signature, data)
        except Exception:
            self._replace_damaged_index(signature, data)

    def _replace_damaged_index(self, signature: Any, data: Any) -> None:
        try:
            self.flush()
            super().save_overload(signature, data)
        except OSError:  # a full or read-only disk: run uncached
            self.disable()


for _dispatcher in (threads._in_parallel, threads.run_parallel, threads.run_serially):
    _cache(_dispatcher)
