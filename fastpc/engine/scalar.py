"""Constants, polynomials, powers of two and reciprocals in a number's own type.

A Python literal in a kernel is a float64, and would pull float32 arithmetic up with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastpc.engine.llvm import bits_of


def per_type(float32: float, float64: float) -> Any:
    """Make a function of one number that returns a constant in that number's type."""

    @intrinsic
    def constant(typing_context, like):
        value = float(np.float32(float32)) if like == types.float32 else float64

        def generate(context, builder, signature, arguments):
            return context.get_constant(signature.return_type, value)

        return like(like), generate

    return constant


def polynomial(float32: tuple[float, ...], float64: tuple[float, ...]) -> Any:
    """Make a function that evaluates a polynomial, lowest power first, by Horner's rule in fused steps."""

    @intrinsic
    def evaluate(typing_context, x):
        coefficients = [float(np.float32(c)) for c in float32] if x == types.float32 else list(float64)

        def generate(context, builder, signature, arguments):
            number = context.get_value_type(signature.return_type)
            name = f"llvm.fma.f{bits_of(signature.return_type)}"
            multiply_add = builder.module.declare_intrinsic(name, (), ir.FunctionType(number, [number] * 3))
            total = ir.Constant(number, coefficients[-1])
            for coefficient in coefficients[-2::-1]:
                total = builder.call(multiply_add, [total, arguments[0], ir.Constant(number, coefficient)])
            return total

        return x(x), generate

    return evaluate


@intrinsic
def power_of_two(typing_context, exponent):
    """Return 2**exponent for an integral float inside the normal range, from the bits of the exponent alone.

    One below the normal range, it is 0.
    """

    def generate(context, builder, signature, arguments):
        bits = bits_of(signature.args[0])
        integer = ir.IntType(bits)
        bias, shift = (127, 23) if bits == 32 else (1023, 52)
        biased = builder.add(builder.fptosi(arguments[0], integer), ir.Constant(integer, bias))
        pattern = builder.shl(biased, ir.Constant(integer, shift))
        return builder.bitcast(pattern, context.get_value_type(signature.return_type))

    return exponent(exponent), generate


# LLVM may then take the processor's estimate and a step of Newton's for vectors of float32, right but for their last
# bits: a division holds up the others for 16 cycles on some processors, and a root for 20. float64 is divided.
_ESTIMATED = ("arcp", "afn", "ninf", "nsz", "contract")


@intrinsic
def reciprocal(typing_context, x):
    """Return 1 / x, of a normal number; an estimate of 1 / 0 or of 1 / infinity is NaN."""

    def generate(context, builder, signature, arguments):
        (number,) = arguments
        return builder.fdiv(ir.Constant(number.type, 1.0), number, flags=_ESTIMATED)

    return x(x), generate


@intrinsic
def root(typing_context, x):
    """Return the square root of a normal number; for float32 as x times an estimate of 1 / sqrt(x)."""

    def generate(context, builder, signature, arguments):
        (number,) = arguments
        name = f"llvm.sqrt.f{bits_of(signature.return_type)}"
        square_root = builder.module.declare_intrinsic(name, (), ir.FunctionType(number.type, [number.type]))
        exact = builder.call(square_root, [number], fastmath=_ESTIMATED)
        if signature.return_type == types.float64:
            return exact
        inverse = builder.fdiv(ir.Constant(number.type, 1.0), exact, flags=_ESTIMATED)
        return builder.fmul(number, inverse)

    return x(x), generate
