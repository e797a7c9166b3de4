"""One process at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fastpc.errors import ConfigurationError

try:
    import fcntl
except ImportError:  # not a POSIX system: folders are not locked there
    fcntl = None  # type: ignore[assignment]

FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder for a block's time. However the process ends, the system gives the lock back.

    Raises
    ------
    ConfigurationError
        If another has it.
    """
    descriptor = _acquire(folder)
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                (folder / FILE).unlink()
            os.close(descriptor)


def _acquire(folder: Path) -> int | None:
    """Return an open file with the lock, or None where the file system has no locks."""
    path = folder / FILE
    while fcntl is not None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it before may have removed the file since: then this lock would be known to nobody.
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                with suppress(OSError):  # a full disk is no reason
                    os.truncate(descriptor, 0)
                    os.write(descriptor, str(os.getpid()).encode())
                return descriptor
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace")
            os.close(descriptor)
            raise ConfigurationError(
                f"expected no other run in {str(folder)!r}, got process {holder or 'unknown'} at work there; "
                "wait for its end, or choose another folder"
            ) from error
        except FileNotFoundError:
            pass
        except OSError:
            os.close(descriptor)
            return None
        os.close(descriptor)
    return None
