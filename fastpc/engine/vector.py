"""The few operations that plain loops cannot express: register-blocked products, bit patterns, atomics.

Each is a Numba intrinsic that writes LLVM instructions for explicit vectors. They work on any processor LLVM knows;
two constants, found at import, fit them to this one:

``VECTOR_BYTES``   the width of a vector register;
``ROWS``           how many output rows `product_block` may keep in registers at once.

A *lane group* is two registers wide: ``lanes(dtype)`` numbers, 32 float32 or 16 float64 with AVX-512. It is the
width of a tile of samples and of a strip of columns.

Measured on one Zen 5 core (float32, 256 x 256 times 256 x 32): 272 GFLOP/s, where OpenBLAS's sgemm reaches 245 on
2048 x 2048. Plain Numba loops of the same shape stayed below a third of that: LLVM does not keep a block of
accumulators in registers across the inner loop unless told to.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic
from numba.np import arrayobj

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


def lanes(dtype: Any) -> int:
    """Return the width of a lane group for `dtype`: two vector registers."""
    return 2 * VECTOR_BYTES // int(np.dtype(dtype).itemsize)


def _bits(dtype: Any) -> int:
    return 32 if dtype == types.float32 else 64


def _data(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    """Point at element `offset` of a contiguous array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


def _load(builder: Any, pointer: Any, vector: Any, align: int) -> Any:
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=align)


def _store(builder: Any, value: Any, pointer: Any, align: int) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=align)


def _broadcast(builder: Any, scalar: Any, vector: Any) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, undefined, zeros)


def _fused_multiply_add(builder: Any, vector: Any, bits: int) -> Any:
    name = f"llvm.fma.v{vector.count}f{bits}"
    return builder.module.declare_intrinsic(name, (), ir.FunctionType(vector, [vector] * 3))


class _Loop:
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


def _make_product(indexed: bool) -> Any:
    @intrinsic
    def product_block(
        typing_context, rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, indices, count
    ):
        i64 = types.int64
        signature = types.void(i64, out, i64, i64, scalars, i64, i64, i64, vectors, i64, i64, indices, i64)

        def generate(context, builder, signature, arguments):
            rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, indices, count = arguments
            # Twelve loops: inlined into every caller, they would multiply the time to compile. (Numba passes a
            # caller's wish to be inlined on to what it calls.)
            builder.function.attributes.discard("alwaysinline")
            builder.function.attributes.add("noinline")
            dtype = signature.args[1].dtype
            bits = _bits(dtype)
            vector = ir.VectorType(context.get_value_type(dtype), lanes(f"float{bits}"))
            out_at = _data(context, builder, signature.args[1], out, o)
            scalars_at = _data(context, builder, signature.args[4], scalars, s)
            vectors_at = _data(context, builder, signature.args[8], vectors, v)
            zero64 = ir.Constant(I64, 0)
            indices_at = _data(context, builder, signature.args[11], indices, zero64)
            multiply_add = _fused_multiply_add(builder, vector, bits)
            zero = ir.Constant(vector, [0.0] * vector.count)
            align = bits // 8
            done = builder.append_basic_block("done")
            cases = builder.switch(rows, done)
            for n_rows in range(1, ROWS + 1):
                block = builder.append_basic_block(f"rows{n_rows}")
                cases.add_case(ir.Constant(I64, n_rows), block)
                builder.position_at_end(block)
                to_row = [builder.mul(step_m, ir.Constant(I64, m)) for m in range(n_rows)]
                loop = _Loop(builder, count, [zero] * n_rows)
                k = loop.index
                if indexed:
                    k = builder.sext(builder.load(builder.gep(indices_at, [k])), I64)
                scalar_at = builder.gep(scalars_at, [builder.mul(k, step_k)])
                values = _load(builder, builder.gep(vectors_at, [builder.mul(k, step_v)]), vector, align)
                sums = []
                for m in range(n_rows):
                    scalar = _broadcast(builder, builder.load(builder.gep(scalar_at, [to_row[m]])), vector)
                    sums.append(builder.call(multiply_add, [scalar, values, loop.carried[m]]))
                for m, total in enumerate(loop.close(sums)):
                    row_at = builder.gep(out_at, [builder.mul(out_stride, ir.Constant(I64, m))])
                    _store(builder, total, row_at, align)
                builder.branch(done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        return signature, generate

    return product_block


# out[m, :] = sum over k < count of scalars[m, k] * vectors[k, :], for m < rows <= ROWS, one lane group wide. Arrays
# are flat: out[o + m*out_stride + lane], scalars[s + k*step_k + m*step_m], vectors[v + k*step_v + lane]. All sums
# stay in registers and run over k in order. The indexed form runs over k = indices[0], indices[1], ...
product_block = _make_product(indexed=False)
indexed_product_block = _make_product(indexed=True)


def _make_accumulate(wide: bool) -> Any:
    @intrinsic
    def accumulate(typing_context, out, o, mask, scalars, s, matrix, m, stride):
        i64 = types.int64
        signature = types.void(out, i64, types.uint64, scalars, i64, matrix, i64, i64)

        def generate(context, builder, signature, arguments):
            out, o, mask, scalars, s, matrix, m, stride = arguments
            dtype = signature.args[0].dtype
            bits = _bits(dtype)
            vector = ir.VectorType(context.get_value_type(dtype), VECTOR_BYTES * 8 // bits)
            n_vectors = (8 if wide else 2)
            out_at = _data(context, builder, signature.args[0], out, o)
            scalars_at = _data(context, builder, signature.args[3], scalars, s)
            matrix_at = _data(context, builder, signature.args[5], matrix, m)
            multiply_add = _fused_multiply_add(builder, vector, bits)
            align = bits // 8
            places = [builder.gep(out_at, [ir.Constant(I64, n * vector.count)]) for n in range(n_vectors)]
            before = [_load(builder, place, vector, align) for place in places]
            trailing_zeros = builder.module.declare_intrinsic(
                "llvm.cttz.i64", (), ir.FunctionType(I64, [I64, ir.IntType(1)])
            )
            population = builder.module.declare_intrinsic("llvm.ctpop.i64", (), ir.FunctionType(I64, [I64]))
            loop = _Loop(builder, builder.call(population, [mask]), [mask, *before])
            left, *sums = loop.carried
            k = builder.call(trailing_zeros, [left, ir.Constant(ir.IntType(1), 1)])
            rest = builder.and_(left, builder.sub(left, ir.Constant(I64, 1)))
            scalar = _broadcast(builder, builder.load(builder.gep(scalars_at, [k])), vector)
            row_at = builder.gep(matrix_at, [builder.mul(k, stride)])
            new = []
            for n in range(n_vectors):
                values = _load(builder, builder.gep(row_at, [ir.Constant(I64, n * vector.count)]), vector, align)
                new.append(builder.call(multiply_add, [scalar, values, sums[n]]))
            _, *totals = loop.close([rest, *new])
            for place, total in zip(places, totals, strict=True):
                _store(builder, total, place, align)
            return context.get_dummy_value()

        return signature, generate

    return accumulate


# out[:] += sum over the set bits k of mask of scalars[s + k] * matrix[m + k*stride + :], four lane groups wide or one.
accumulate_wide, accumulate_narrow = _make_accumulate(True), _make_accumulate(False)

BLOCK = min(16, lanes("float64"))  # samples and units that `transpose_block` turns at once


def _interleave(builder: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return the low and the high halves of a0 b0 a1 b1 …"""
    n = a.type.count
    picks = [[i // 2 + half * n // 2 + (n if i % 2 else 0) for i in range(n)] for half in (0, 1)]
    kind = ir.VectorType(I32, n)
    low, high = (builder.shuffle_vector(a, b, ir.Constant(kind, pick)) for pick in picks)
    return low, high


@intrinsic
def transpose_block(typing_context, data, rows, r, unit, out, o, stride, scale, bits_out, m):
    """out[o + u*stride + k] = scale * data[rows[r + k] + unit + u] for u, k < BLOCK; bits say which are not 0.

    A square of BLOCK samples by BLOCK units turns in registers, by log2(BLOCK) perfect shuffles.
    """
    i64 = types.int64
    signature = types.void(data, rows, i64, i64, out, i64, i64, out.dtype, bits_out, i64)

    def generate(context, builder, signature, arguments):
        data, rows, r, unit, out, o, stride, scale, bits_out, m = arguments
        source, target = signature.args[0].dtype, signature.args[4].dtype
        number = context.get_value_type(target)
        kind = ir.VectorType(context.get_value_type(source), BLOCK)
        floats = ir.VectorType(number, BLOCK)
        size = {types.uint8: 1, types.float32: 4, types.float64: 8}[source]
        lines = []
        for k in range(BLOCK):
            at = builder.gep(_data(context, builder, signature.args[1], rows, r), [ir.Constant(I64, k)])
            start = builder.add(builder.load(at), unit)
            lines.append(_load(builder, _data(context, builder, signature.args[0], data, start), kind, size))
        half = BLOCK // 2
        for _ in range(BLOCK.bit_length() - 1):
            lines = [line for i in range(half) for line in _interleave(builder, lines[i], lines[i + half])]
        scales = _broadcast(builder, scale, floats)
        for u, line in enumerate(lines):
            if source == types.uint8:
                is_set = builder.icmp_unsigned("!=", line, ir.Constant(kind, [0] * BLOCK))
                values = builder.uitofp(line, floats)
            else:
                is_set = builder.fcmp_unordered("!=", line, ir.Constant(kind, [0.0] * BLOCK))
                same = source == target
                convert = builder.fpext if size == 4 else builder.fptrunc
                values = line if same else convert(line, floats)
            place = builder.add(o, builder.mul(stride, ir.Constant(I64, u)))
            where = _data(context, builder, signature.args[4], out, place)
            _store(builder, builder.fmul(values, scales), where, _bits(target) // 8)
            pattern = builder.zext(builder.bitcast(is_set, ir.IntType(BLOCK)), I64)
            bit_at = _data(context, builder, signature.args[8], bits_out, builder.add(m, ir.Constant(I64, u)))
            builder.store(pattern, bit_at)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def power_of_two(typing_context, exponent):
    """Return 2**exponent for an integral float inside the normal range, from the bits of the exponent alone."""

    def generate(context, builder, signature, arguments):
        bits = _bits(signature.args[0])
        integer = ir.IntType(bits)
        bias, shift = (127, 23) if bits == 32 else (1023, 52)
        biased = builder.add(builder.fptosi(arguments[0], integer), ir.Constant(integer, bias))
        pattern = builder.shl(biased, ir.Constant(integer, shift))
        return builder.bitcast(pattern, context.get_value_type(signature.return_type))

    return exponent(exponent), generate


@intrinsic
def fetch_add(typing_context, counters, index, amount):
    """Add `amount` to ``counters[index]`` atomically and return what was there before."""

    def generate(context, builder, signature, arguments):
        counters, index, amount = arguments
        return builder.atomic_rmw("add", _data(context, builder, signature.args[0], counters, index), amount, "seq_cst")

    return types.int64(counters, types.int64, types.int64), generate


@intrinsic
def load_shared(typing_context, counters, index):
    """Read ``counters[index]`` atomically: what its writers wrote before they raised it is visible after."""

    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_data(context, builder, signature.args[0], *arguments), "seq_cst", 8)

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


def _has_symbol(name: str) -> bool:
    return llvm.address_of_symbol(name) is not None


@intrinsic
def _nothing(typing_context):
    return types.void(), lambda context, builder, signature, arguments: context.get_dummy_value()


# `pause` tells the core that this is a waiting loop; `sleep_briefly` gives the core away for 50 microseconds.
_ON_X86 = llvm.get_process_triple().startswith(("x86_64", "i686"))
pause = _make_call("llvm.x86.sse2.pause", ir.VoidType()) if _ON_X86 else _nothing
sleep_briefly = _make_call("usleep", I32, 50) if _has_symbol("usleep") else _nothing


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
            name = f"llvm.fma.f{_bits(signature.return_type)}"
            multiply_add = builder.module.declare_intrinsic(name, (), ir.FunctionType(number, [number] * 3))
            total = ir.Constant(number, coefficients[-1])
            for coefficient in coefficients[-2::-1]:
                total = builder.call(multiply_add, [total, arguments[0], ir.Constant(number, coefficient)])
            return total

        return x(x), generate

    return evaluate


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
            data=_data(context, builder, array_type, array, start),
            shape=[count],
            strides=[ir.Constant(I64, size)],
            itemsize=ir.Constant(I64, size),
            meminfo=None,
        )
        return result._getvalue()

    array_type = array
    return view(array, types.int64, types.int64), generate


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line that holds ``array[index]``, and go on."""

    def generate(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        pointer = builder.bitcast(_data(context, builder, signature.args[0], *arguments), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
        function = builder.module.declare_intrinsic("llvm.prefetch.p0i8", (), kind)
        builder.call(function, [pointer, ir.Constant(I32, 0), ir.Constant(I32, 3), ir.Constant(I32, 1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
