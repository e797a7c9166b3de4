"""The vocabulary for writing LLVM instructions, and what this processor's vectors look like.

Two constants, found at import, fit the engine to the processor:

``VECTOR_BYTES``   the width of a vector register;
``ROWS``           how many output rows a product may keep in registers at once.

A *lane group* is two registers wide: ``lanes(dtype)`` numbers, 32 float32 or 16 float64 with AVX-512. It is the
width of a tile of samples and of a strip of columns.
"""

from __future__ import annotations

import ctypes
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config

I32, I64 = ir.IntType(32), ir.IntType(64)


def _vector_shape() -> tuple[int, int]:
    """Return (bytes in a vector register, rows of accumulators that fit beside the operands)."""
    if config.CPU_FEATURES is not None:
        features = {name: True for name in config.CPU_FEATURES.split(",") if name.startswith("+")}
        has = {name[1:] for name in features}
    else:
        has = {name for name, present in llvm.get_host_cpu_features().items() if present}
    if "avx512f" in has:
        return 64, 12
    if "avx" in has:
        return 32, 6
    return 16, 12 if "neon" in has else 6


VECTOR_BYTES, ROWS = _vector_shape()


def has_symbol(name: str) -> bool:
    """Return whether compiled code can call a C function of this name. LLVM itself knows of none before it compiled."""
    return hasattr(ctypes.CDLL(None), name)


def lanes(dtype: Any) -> int:
    """Return the width of a lane group for `dtype`: two vector registers."""
    return 2 * VECTOR_BYTES // int(np.dtype(dtype).itemsize)


# Samples and units that are transposed at once.
BLOCK = min(16, lanes("float64"))

# Units in a word of the inputs' masks.
WORD = 64

# Vectors of a strip of MLPClassifier's 100 hidden units in float32, where there are registers for as many sums.
MOST = {64: 7, 32: 13}.get(VECTOR_BYTES, 7)


def bits_of(dtype: Any) -> int:
    """Return the bits of a Numba float type."""
    return 32 if dtype == types.float32 else 64


def address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    """Point at element `offset` of a contiguous array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


def load(builder: Any, pointer: Any, vector: Any, align: int) -> Any:
    """Load a vector from a pointer to its first number."""
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=align)


def store(builder: Any, value: Any, pointer: Any, align: int) -> None:
    """Store a vector at a pointer to its first number."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=align)


def broadcast(builder: Any, scalar: Any, vector: Any) -> Any:
    """Fill a vector with one number."""
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def fused_multiply_add(builder: Any, vector: Any, bits: int) -> Any:
    """Return LLVM's a * b + c for vectors of a type."""
    name = f"llvm.fma.v{vector.count}f{bits}"
    return builder.module.declare_intrinsic(name, (), ir.FunctionType(vector, [vector] * 3))


class Loop:
    """A counted loop in LLVM, with values carried from one turn to the next."""

    def __init__(self, builder: Any, count: Any, carried: list[Any]) -> None:
        self.builder = builder
        entry = builder.block
        self.body = builder.append_basic_block("turn")
        self.end = builder.append_basic_block("end")
        zero = ir.Constant(I64, 0)
        builder.cbranch(builder.icmp_signed(">", count, zero), self.body, self.end)
        builder.position_at_end(self.body)
        self.index = builder.phi(I64)
        self.index.add_incoming(zero, entry)
        self.carried = []
        for value in carried:
            phi = builder.phi(value.type)
            phi.add_incoming(value, entry)
            self.carried.append(phi)
        self._count, self._entry, self._start = count, entry, carried

    def close(self, after: list[Any]) -> list[Any]:
        """End the turn with the carried values `after`; return them as seen behind the loop."""
        builder, last = self.builder, self.builder.block
        following = builder.add(self.index, ir.Constant(I64, 1))
        self.index.add_incoming(following, last)
        for phi, value in zip(self.carried, after, strict=True):
            phi.add_incoming(value, last)
        builder.cbranch(builder.icmp_signed("<", following, self._count), self.body, self.end)
        builder.position_at_end(self.end)
        results = []
        for before, value in zip(self._start, after, strict=True):
            phi = builder.phi(value.type)
            phi.add_incoming(before, self._entry)
            phi.add_incoming(value, last)
            results.append(phi)
        return results
