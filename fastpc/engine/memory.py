"""Views that count no reference, and cache lines asked for ahead of time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from fastpc.engine.jit import kernel
from fastpc.engine.llvm import I32, I64, address


@intrinsic
def borrow(typing_context, array, start, count):
    """Return ``array[start : start + count]`` of a flat array, without counting a reference.

    A slice counts one up and one down, atomically: some 40 ns, more than the loop it serves. A borrowed view must not
    outlive the call that made it. It also tells the compiler that its index starts at zero: loops over it vectorise,
    where ``array[start + i]`` might be negative, wrap around, and stay scalar.
    """
    view = types.Array(array.dtype, 1, "C")

    def generate(context, builder, signature, arguments):
        array, start, count = arguments
        size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
        result = context.make_array(view)(context, builder)
        arrayobj.populate_array(
            result,
            data=address(context, builder, array_type, array, start),
            shape=[count],
            strides=[ir.Constant(I64, size)],
            itemsize=ir.Constant(I64, size),
            meminfo=None,
        )
        return result._getvalue()

    array_type = array
    return view(array, types.int64, types.int64), generate


def _make_prefetch(to_write: bool) -> Any:
    @intrinsic
    def prefetch(typing_context, array, index):
        def generate(context, builder, signature, arguments):
            byte = ir.IntType(8).as_pointer()
            pointer = builder.bitcast(address(context, builder, signature.args[0], *arguments), byte)
            kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
            function = builder.module.declare_intrinsic("llvm.prefetch.p0i8", (), kind)
            builder.call(function, [pointer, *(ir.Constant(I32, value) for value in (int(to_write), 3, 1))])
            return context.get_dummy_value()

        return types.void(array, types.int64), generate

    return prefetch


# Ask for the cache line that holds ``array[index]``, and go on; the second also takes it away from other cores.
prefetch, prefetch_to_write = _make_prefetch(False), _make_prefetch(True)


@kernel
def prefetch_rows(numbers, start, count, to_write):
    """Ask for ``numbers[start : start + count]``, to read or to write."""
    per_line = 64 // numbers.itemsize
    for i in range(start, start + count, per_line):
        if to_write:
            prefetch_to_write(numbers, i)
        else:
            prefetch(numbers, i)
