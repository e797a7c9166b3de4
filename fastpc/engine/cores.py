"""Threads of one parallel region on cores of their own.

Some systems, virtual machines among them, put threads that were woken together onto one core and leave them there for
seconds while others are idle: two threads then train at the rate of one. A thread that finds another one of its region
on its core moves on to a free one, if the process may use any; where it may run afterwards is as before.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import types

from fastpc.engine.atomic import fetch_add
from fastpc.engine.llvm import has_symbol

# As many as the system's own sets of cores have.
_MOST_CORES = 1024
_SET_BYTES = _MOST_CORES // 8

_core_of_thread = types.ExternalFunction("sched_getcpu", types.int32())
_get_allowed = types.ExternalFunction("sched_getaffinity", types.int32(types.int32, types.uintp, types.uintp))
_set_allowed = types.ExternalFunction("sched_setaffinity", types.int32(types.int32, types.uintp, types.uintp))
# Linux has them.
KNOWN = all(has_symbol(f"sched_{name}") for name in ("getcpu", "getaffinity", "setaffinity"))


@numba.njit(nogil=True)
def free_cores():
    """Return how many threads of a region are on each core, before any is."""
    return np.zeros(_MOST_CORES if KNOWN else 0, np.int64)


@numba.njit(nogil=True)
def take_core(threads_on):
    """Count the calling thread to its core, and move it first where another one is there."""
    if len(threads_on) == 0:
        return
    core = _core_of_thread()
    if not 0 <= core < len(threads_on) or fetch_add(threads_on, core, 1) == 0:
        return
    allowed = np.zeros(_SET_BYTES // 8, np.uint64)
    if _get_allowed(0, _SET_BYTES, allowed.ctypes.data) != 0:
        return
    free = allowed.copy()
    for core in range(len(threads_on)):
        if threads_on[core] > 0:
            free[core // 64] &= ~(np.uint64(1) << np.uint64(core % 64))
    # Refused where no core is free.
    if _set_allowed(0, _SET_BYTES, free.ctypes.data) == 0:
        fetch_add(threads_on, _core_of_thread(), 1)
        _set_allowed(0, _SET_BYTES, allowed.ctypes.data)
