"""Threads: how many, and how a driver runs on them.

The kernels call no BLAS, so there is none to limit, and other libraries' thread settings are never touched. Because
threads wait for work and not for each other (see `sharing`), a driver gives the same result on any threading layer,
on fewer threads than it asked for, and on one: then it runs serially and no threading layer is started at all. That
is also how it runs in a forked child, where GNU OpenMP would abort.
"""

from __future__ import annotations

import os
import threading
from numbers import Integral
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.ufunc import parallel

from fastpc.engine.cores import free_cores, take_core
from fastpc.errors import ConfigurationError

_forked = False
# One parallel region at a time in a process: the workqueue layer aborts on two, and two would only share the cores.
region_lock = threading.Lock()


def _after_fork() -> None:
    """Run serially in a child whose parent had started a threading layer, for us or for anyone; forget its lock."""
    global _forked, region_lock
    _forked = _forked or bool(parallel._is_initialized)
    region_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def available_threads() -> int:
    """Return how many threads a parallel region can have: the cores this process may use, or NUMBA_NUM_THREADS."""
    return int(numba.config.NUMBA_NUM_THREADS)


def choose_threads(threads: object) -> int:
    """Return the number of threads to use for a request; None asks for all.

    Raises
    ------
    ConfigurationError
        If the request is not a positive whole number.
    """
    if threads is None:
        return available_threads()
    if isinstance(threads, bool) or not isinstance(threads, Integral) or threads < 1:
        raise ConfigurationError(
            f"expected threads to be a whole number of at least 1, got {threads!r}; leave it out to use all cores"
        )
    return int(threads)


def may_run_parallel(n_threads: int) -> bool:
    """Return whether to open a parallel region: not for one thread, and not in the forked child of one that did."""
    return n_threads > 1 and available_threads() > 1 and not _forked


def threading_layer() -> str:
    """Return the threading layer in use, or "none" before the first parallel region."""
    try:
        return str(numba.threading_layer())
    except ValueError:
        return "none"


def start_threading_layer() -> str:
    """Start the threading layer that kernels will run on, where they may; return its name, or "none".

    Raises
    ------
    ConfigurationError
        If it cannot be loaded.
    """
    if may_run_parallel(available_threads()):
        try:
            parallel._launch_threads()
        except ValueError as error:
            wanted, reason = numba.config.THREADING_LAYER, str(error).strip().splitlines()[0].rstrip(".")
            raise ConfigurationError(
                f"expected a threading layer that is installed, got NUMBA_THREADING_LAYER={wanted} ({reason}); "
                "unset the variable, or run on one thread"
            ) from error
    return threading_layer()


def _disown(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Take their owners from all arrays in a value, which the caller keeps alive.

    Kernels count references wherever they take an array out of a tuple, and two threads that count the same ones fight
    over the counters' cache lines, many times a batch. Where there is no owner there is nothing to count.
    """
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = ir.Constant(array.meminfo.type, None)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        for i, part in enumerate(kind.types):
            value = builder.insert_value(value, _disown(context, builder, part, builder.extract_value(value, i)), i)
    return value


@intrinsic
def _pack(typing_context, address, arguments):
    """Put a compiled f's address and arguments into memory; return the addresses of a trampoline and of that memory.

    The trampoline is a C function of a thread's number and the memory: it calls ``f(thread, *arguments)``, and notes
    at the memory's beginning where f raised an error, which no loop over threads could hand on.
    """

    def generate(context, builder, signature, values):
        i64, byte = ir.IntType(64), ir.IntType(8)
        kinds = (types.int64, *signature.args[1].types)
        arguments = _disown(context, builder, signature.args[1], values[1])
        pack_type = ir.LiteralStructType([i64, i64, arguments.type])  # failed, f, its arguments
        trampoline_type = ir.FunctionType(ir.VoidType(), [i64, byte.as_pointer()])
        trampoline = ir.Function(builder.module, trampoline_type, builder.module.get_unique_name("trampoline"))
        trampoline.linkage = "internal"
        inner = ir.IRBuilder(trampoline.append_basic_block())
        thread, memory = trampoline.args
        place = inner.bitcast(memory, pack_type.as_pointer())
        pack = inner.load(place)
        function_type = context.call_conv.get_function_type(types.none, kinds)
        function = inner.inttoptr(inner.extract_value(pack, 1), function_type.as_pointer())
        items = [inner.extract_value(pack, [2, i]) for i in range(len(kinds) - 1)]
        status, _ = context.call_conv.call_function(inner, function, types.none, kinds, [thread, *items])
        with inner.if_then(status.is_error, likely=False):
            inner.store(ir.Constant(i64, 1), inner.gep(place, [ir.Constant(ir.IntType(32), 0)] * 2))
        inner.ret_void()
        pack = ir.Constant(pack_type, [ir.Constant(i64, 0), ir.Undefined, ir.Undefined])
        for i, part in ((1, values[0]), (2, arguments)):
            pack = builder.insert_value(pack, part, i)
        place = cgutils.alloca_once(builder, pack_type)
        builder.store(pack, place)
        return context.make_tuple(
            builder, signature.return_type, [builder.ptrtoint(trampoline, i64), builder.ptrtoint(place, i64)]
        )

    return types.UniTuple(types.int64, 2)(types.int64, arguments), generate


@intrinsic
def _call(typing_context, trampoline, thread, memory):
    def generate(context, builder, signature, values):
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64), pointer])
        function = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(function, [values[1], builder.inttoptr(values[2], pointer)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def _failed(typing_context, memory):
    """Return whether any call by a trampoline raised an error."""

    def generate(context, builder, signature, values):
        flag = builder.load(builder.inttoptr(values[0], ir.IntType(64).as_pointer()))
        return builder.icmp_unsigned("!=", flag, ir.Constant(flag.type, 0))

    return types.boolean(types.int64), generate


@numba.njit(parallel=True, nogil=True)
def _in_parallel(n_threads, trampoline, memory):
    threads_on = free_cores()
    for thread in numba.prange(n_threads):
        take_core(threads_on)
        _call(trampoline, thread, memory)


@numba.njit(nogil=True)
def run_parallel(n_threads, address, arguments):
    """Call ``f(thread, *arguments)`` in parallel for every thread, f being compiled code at an address.

    Return whether all came to their end.

    A kernel that is compiled *inside* a parallel loop passes through the compiler four more times, some 15 seconds for
    a training kernel. Called by its address, it is compiled once, for one thread and for many.
    """
    trampoline, memory = _pack(address, arguments)
    _in_parallel(n_threads, trampoline, memory)
    return not _failed(memory)


@numba.njit(nogil=True)
def run_serially(n_threads, address, arguments):
    """Call ``f(thread, *arguments)`` for one thread after the other; return whether all came to their end."""
    trampoline, memory = _pack(address, arguments)
    for thread in range(n_threads):
        _call(trampoline, thread, memory)
        if _failed(memory):  # the next would wait for what this one has not done
            return False
    return True
