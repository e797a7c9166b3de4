"""Counters that threads share, and ways to wait for them."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastpc.engine.llvm import I32, address, has_symbol


@intrinsic
def fetch_add(typing_context, counters, index, amount):
    """Add `amount` to ``counters[index]`` atomically and return what was there before."""

    def generate(context, builder, signature, arguments):
        counters, index, amount = arguments
        return builder.atomic_rmw(
            "add", address(context, builder, signature.args[0], counters, index), amount, "seq_cst"
        )

    return types.int64(counters, types.int64, types.int64), generate


@intrinsic
def load_shared(typing_context, counters, index):
    """Read ``counters[index]`` atomically: what its writers wrote before they raised it is visible after."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(address(context, builder, signature.args[0], *arguments), "seq_cst", 8)

    return types.int64(counters, types.int64), generate


def _make_call(name: str, result: Any, *values: int) -> Any:
    @intrinsic
    def call(typing_context):
        def generate(context, builder, signature, arguments):
            module = builder.module
            kind = ir.FunctionType(result, [I32] * len(values))
            function = module.globals.get(name) or ir.Function(module, kind, name)
            builder.call(function, [ir.Constant(I32, value) for value in values])
            return context.get_dummy_value()

        return types.void(), generate

    return call


@intrinsic
def _nothing(typing_context):
    return types.void(), lambda context, builder, signature, arguments: context.get_dummy_value()


# `pause` tells the core that this is a waiting loop; `sleep_briefly` gives the core away for 50 microseconds.
_ON_X86 = llvm.get_process_triple().startswith(("x86_64", "i686"))
pause = _make_call("llvm.x86.sse2.pause", ir.VoidType()) if _ON_X86 else _nothing
sleep_briefly = _make_call("usleep", I32, 50) if has_symbol("usleep") else _nothing
