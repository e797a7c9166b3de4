"""Compiled kernels on disk: never stale, never another's, and never in the way, whatever happens to the folder.

Numba's own cache looks only at the file that a function stands in, counts its data files (so that two processes that
compile for different types at once may each take the other's code for their own), and runs whatever bytes it finds.
Here the folder's name digests all that the code depends on; every file of code has a name of its own, says what it is
of, and is checked against its digest; and what is wrong with any of it costs a compilation and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import llvmlite
import numba
import numpy as np
from numba.core import caching

_DAYS_KEPT = 30
_SHA256_BYTES = 32
# What else decides which code comes out, of the variables that Numba reads.
_SETTINGS = ("BOUNDSCHECK", "DEBUGINFO_DEFAULT", "DISABLE_INTEL_SVML", "ENABLE_AVX", "LOOP_VECTORIZE", "OPT")


def keep_on_disk(dispatcher: Any) -> None:
    """Keep what is compiled for a dispatcher, where there is a folder for it."""
    if cache_folder() is not None:
        dispatcher._cache = _DriverCache(dispatcher.py_func)


def cache_folder() -> Path | None:
    """Return the folder of compiled kernels for exactly this engine, or None when nothing can be written.

    Its name digests every engine source and every version that matters: a driver contains the kernels that it calls.
    """
    global _folder, _folder_known
    if not _folder_known:
        _folder = _find_folder()
        _folder_known = True
    return _folder


_folder: Path | None = None
_folder_known = False


def cache_size(folder: Path) -> int:
    """Return the bytes of all files in the folders of this engine and of others beside it."""
    size = 0
    for path in folder.parent.glob("kernels-*/*"):
        with suppress(OSError):  # others may be at work there
            size += path.stat().st_size
    return size


def engine_digest() -> str:
    """Digest the engine's sources, the versions of what compiles them and its settings, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    versions = (numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine())
    settings = (str(getattr(numba.config, name, None)) for name in _SETTINGS)
    digest.update("\0".join((*versions, *settings)).encode())
    return digest.hexdigest()[:16]


def _find_folder() -> Path | None:
    chosen = os.environ.get("FASTPC_CACHE_DIR")
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not chosen and not os.path.isabs(home):  # nobody's home is known
        return None
    folder = Path(chosen or os.path.join(home, "fastpc")) / f"kernels-{engine_digest()}"
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return None
    with suppress(OSError):
        os.utime(folder)  # in use
    if is_new:
        remove_unused(folder)
    return folder


def remove_unused(folder: Path, days: float = _DAYS_KEPT) -> None:
    """Remove the folders of other engines beside `folder` that no process has begun with for so many days.

    A process that still has one of them open compiles again what it needs. A folder first gets another name, so that
    nobody finds half of it; one whose removal was cut short is older still, and goes next time.
    """
    limit = time.time() - days * 86400
    for other in folder.parent.glob("kernels-*"):
        with suppress(OSError):  # another process may remove it as well, or it is not ours to remove
            if other == folder or other.is_symlink() or not other.is_dir() or other.stat().st_mtime > limit:
                continue
            is_named = other.name.endswith(_REMOVED)
            shutil.rmtree(other if is_named else other.rename(f"{other}{_REMOVED}"))


_REMOVED = ".removed"


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

    def check_cachable(self, compiled: Any) -> bool:
        """Some settings of the compiler leave addresses of this process in the code."""
        return not compiled.lifted and not compiled.library.has_dynamic_globals


class _CheckedFiles(caching.IndexDataCacheFile):  # type: ignore[misc]
    """An index and files of code that may be damaged, or written by many processes at once.

    Of two that write the index at the same time one loses its entry, and compiles another time. No file of code has
    a name that was ever another's.
    """

    def save(self, key: Any, data: Any) -> None:
        name = f"{self._index_name.removesuffix('.nbi')}.{uuid4().hex[:16]}.nbc"
        self._write(self._data_path(name), (key, data))
        overloads = self._load_index()
        replaced = overloads.get(key)
        self._save_index(overloads | {key: name})
        if replaced is not None:
            with suppress(OSError):
                os.unlink(self._data_path(replaced))

    def _load_index(self) -> dict[Any, str]:
        try:
            stamp, overloads = self._read(self._index_path)
        except FileNotFoundError:
            return {}
        return overloads if stamp == self._source_stamp else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_path, (self._source_stamp, overloads))

    def load(self, key: Any) -> Any:
        name = self._load_index().get(key)
        if name is None:
            return None
        found, data = self._read(self._data_path(name))
        return data if found == key else None

    def _write(self, path: str, content: Any) -> None:
        pickled = self._dump(content)
        with self._open_for_write(path) as file:
            file.write(hashlib.sha256(pickled).digest() + pickled)

    def _read(self, path: str) -> Any:
        content = Path(path).read_bytes()
        digest, pickled = content[:_SHA256_BYTES], content[_SHA256_BYTES:]
        if hashlib.sha256(pickled).digest() != digest:
            raise ValueError(f"expected {path} as it was written, got other bytes")
        return pickle.loads(pickled)


def _comes_from_outside(kind: Any) -> bool:
    """Return whether an argument's type holds settings that do not stand in the engine, as those of outside rules."""
    settings = getattr(kind, "instance_class", None)
    if settings is not None and not settings.__module__.startswith(f"{__package__}."):
        return True
    return isinstance(kind, numba.types.BaseTuple) and any(_comes_from_outside(part) for part in kind.types)


class _DriverCache(caching.FunctionCache):  # type: ignore[misc]
    """Numba's cache, for one driver: its files are checked, and broken or unwritable ones only cost a compilation.

    What runs an outside rule's kernel is never kept: the folder's name does not digest that kernel's source, so that
    after an edit the old one would run.
    """

    _impl_class = _DriverFiles

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _CheckedFiles(self._cache_path, self._impl.filename_base, stamp)

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
        except Exception:  # a damaged index can raise anything as well
            self._replace_damaged_index(signature, data)

    def _replace_damaged_index(self, signature: Any, data: Any) -> None:
        try:
            self.flush()
            super().save_overload(signature, data)
        except Exception:  # a full or read-only disk: run uncached
            self.disable()
