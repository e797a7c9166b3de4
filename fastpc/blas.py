"""Limits on the threads of BLAS that are always given back.

The engine calls no BLAS. What little does, beside it, asks for a number of threads for a moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

# Two limits that overlap in two threads would each give back what the other had set, and the last one stay.
_lock = RLock()
if hasattr(os, "register_at_fork"):
    # No child is born with a limit of a thread that it does not have, or with its lock.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Run a block with so many threads for BLAS, and no limit on any other library; one thread at a time may do so.

    A limit on OpenMP too would be other libraries' business, and would slow every parallel region that follows.
    """
    from threadpoolctl import ThreadpoolController

    # Not `threadpool_limits`: it would give OpenMP back what it had at the block's beginning.
    with _lock, ThreadpoolController().select(user_api="blas").limit(limits=threads):
        yield
