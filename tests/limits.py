"""Small machines: what a process is not allowed to have."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as on a full disk; it holds for root too.

    Processes started meanwhile note no coverage: its own file would not fit either.
    """
    noting = os.environ.pop("COVERAGE_PROCESS_START", None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if noting is not None:
            os.environ["COVERAGE_PROCESS_START"] = noting
