"""Products of whole vectors, and turned blocks: what plain loops cannot express.

Each is a Numba intrinsic that writes LLVM instructions for explicit vectors; they work on any processor LLVM knows.
Plain Numba loops of the same shape stay far below: LLVM does not keep a block of accumulators in registers across the
inner loop unless told to. ``pytest benchmarks/test_kernels.py`` has the rates.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastpc.engine.llvm import (
    BLOCK,
    I32,
    I64,
    MOST,
    ROWS,
    VECTOR_BYTES,
    WORD,
    Loop,
    address,
    bits_of,
    broadcast,
    fused_multiply_add,
    lanes,
    load,
    store,
)


@intrinsic
def product_block(typing_context, rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count):
    """out[m, :] = sum over k < count of scalars[m, k] * vectors[k, :], for m < rows <= ROWS, one lane group wide.

    Arrays are flat: out[o + m*out_stride + lane], scalars[s + k*step_k + m*step_m], vectors[v + k*step_v + lane]. All
    sums stay in registers and run over k in order.
    """
    i64 = types.int64
    signature = types.void(i64, out, i64, i64, scalars, i64, i64, i64, vectors, i64, i64, i64)

    def generate(context, builder, signature, arguments):
        rows, out, o, out_stride, scalars, s, step_k, step_m, vectors, v, step_v, count = arguments
        # Twelve loops: inlined into every caller, they would multiply the time to compile. (Numba passes a
        # caller's wish to be inlined on to what it calls.)
        builder.function.attributes.discard("alwaysinline")
        builder.function.attributes.add("noinline")
        dtype = signature.args[1].dtype
        bits = bits_of(dtype)
        vector = ir.VectorType(context.get_value_type(dtype), lanes(f"float{bits}"))
        out_at = address(context, builder, signature.args[1], out, o)
        scalars_at = address(context, builder, signature.args[4], scalars, s)
        vectors_at = address(context, builder, signature.args[8], vectors, v)
        multiply_add = fused_multiply_add(builder, vector, bits)
        zero = ir.Constant(vector, [0.0] * vector.count)
        align = bits // 8
        done = builder.append_basic_block("done")
        cases = builder.switch(rows, done)
        for n_rows in range(1, ROWS + 1):
            block = builder.append_basic_block(f"rows{n_rows}")
            cases.add_case(ir.Constant(I64, n_rows), block)
            builder.position_at_end(block)
            to_row = [builder.mul(step_m, ir.Constant(I64, m)) for m in range(n_rows)]
            loop = Loop(builder, count, [zero] * n_rows)
            scalar_at = builder.gep(scalars_at, [builder.mul(loop.index, step_k)])
            values = load(builder, builder.gep(vectors_at, [builder.mul(loop.index, step_v)]), vector, align)
            sums = []
            for m in range(n_rows):
                scalar = broadcast(builder, builder.load(builder.gep(scalar_at, [to_row[m]])), vector)
                sums.append(builder.call(multiply_add, [scalar, values, loop.carried[m]]))
            for m, total in enumerate(loop.close(sums)):
                row_at = builder.gep(out_at, [builder.mul(out_stride, ir.Constant(I64, m))])
                store(builder, total, row_at, align)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, generate


def _value_of(context: Any, builder: Any, kind: Any, values: Any, byte: Any) -> Any:
    """Look up what a byte stands for."""
    return builder.load(
        builder.gep(address(context, builder, kind, values, ir.Constant(I64, 0)), [builder.zext(byte, I64)])
    )


def _make_accumulate(n_vectors: int) -> Any:
    @intrinsic
    def accumulate(typing_context, out, o, anew, mask, scalars, values, s, places, matrix, m, stride):
        i64 = types.int64
        signature = types.void(out, i64, types.boolean, types.uint64, scalars, values, i64, places, matrix, i64, i64)

        def generate(context, builder, signature, arguments):
            out, o, anew, mask, scalars, values, s, places, matrix, m, stride = arguments
            dtype = signature.args[0].dtype
            bits = bits_of(dtype)
            vector = ir.VectorType(context.get_value_type(dtype), VECTOR_BYTES * 8 // bits)
            out_at = address(context, builder, signature.args[0], out, o)
            scalars_at = address(context, builder, signature.args[4], scalars, s)
            matrix_at = address(context, builder, signature.args[8], matrix, m)
            multiply_add = fused_multiply_add(builder, vector, bits)
            align = bits // 8
            outs = [builder.gep(out_at, [ir.Constant(I64, n * vector.count)]) for n in range(n_vectors)]
            with builder.if_else(anew) as (begins, goes_on):
                with begins:
                    at_zero = builder.block
                with goes_on:
                    loaded = [load(builder, at, vector, align) for at in outs]
                    at_loaded = builder.block
            zero = ir.Constant(I64, 0)
            before = [builder.phi(vector) for _ in range(n_vectors)]
            for value, sums in zip(before, loaded, strict=True):
                value.add_incoming(ir.Constant(vector, [0.0] * vector.count), at_zero)
                value.add_incoming(sums, at_loaded)
            trailing_zeros = builder.module.declare_intrinsic(
                "llvm.cttz.i64", (), ir.FunctionType(I64, [I64, ir.IntType(1)])
            )
            population = builder.module.declare_intrinsic("llvm.ctpop.i64", (), ir.FunctionType(I64, [I64]))
            loop = Loop(builder, builder.call(population, [mask]), [mask, *before])
            left, *sums = loop.carried
            k = builder.call(trailing_zeros, [left, ir.Constant(ir.IntType(1), 1)])
            rest = builder.and_(left, builder.sub(left, ir.Constant(I64, 1)))
            place = k
            if isinstance(signature.args[7], types.Array):
                place = builder.load(builder.gep(address(context, builder, signature.args[7], places, zero), [k]))
            scalar = builder.load(builder.gep(scalars_at, [place]))
            if signature.args[4].dtype == types.uint8:
                scalar = _value_of(context, builder, signature.args[5], values, scalar)
            scalar = broadcast(builder, scalar, vector)
            row_at = builder.gep(matrix_at, [builder.mul(k, stride)])
            new = []
            for n in range(n_vectors):
                values = load(builder, builder.gep(row_at, [ir.Constant(I64, n * vector.count)]), vector, align)
                new.append(builder.call(multiply_add, [scalar, values, sums[n]]))
            _, *totals = loop.close([rest, *new])
            for at, total in zip(outs, totals, strict=True):
                store(builder, total, at, align)
            return context.get_dummy_value()

        return signature, generate

    return accumulate


# out[:] += sum over the set bits k of mask of scalars[s + places[k]] * matrix[m + k*stride + :], from 0 if `anew`; four
# lane groups wide, as wide as MLPClassifier's 100 hidden units, or one lane group. Without `places`, a number in their
# stead, they are k. Scalars that are bytes stand for ``values[scalar]``.
accumulate_wide, accumulate_most, accumulate_narrow = map(_make_accumulate, (8, MOST, 2))


def _make_scale(width: int) -> Any:
    @intrinsic
    def scale(typing_context, data, start, out, o, scale):
        i64 = types.int64
        signature = types.uint64(data, i64, out, i64, scale)

        def generate(context, builder, signature, arguments):
            data, start, out, o, scale = arguments
            source, target = signature.args[0].dtype, signature.args[2].dtype
            kept = source == target == types.uint8
            floats = ir.VectorType(context.get_value_type(target), width)
            kind = ir.VectorType(context.get_value_type(source), width)
            size = {types.uint8: 1, types.float32: 4, types.float64: 8}[source]
            numbers = load(builder, address(context, builder, signature.args[0], data, start), kind, size)
            if source == types.uint8:
                values = numbers if kept else builder.uitofp(numbers, floats)
            else:
                convert = builder.fpext if size == 4 else builder.fptrunc
                values = numbers if source == target else convert(numbers, floats)
            scaled = values if kept else builder.fmul(values, broadcast(builder, scale, floats))
            place = address(context, builder, signature.args[2], out, o)
            store(builder, scaled, place, 1 if kept else bits_of(target) // 8)
            return _bits_set(builder, numbers)

        return signature, generate

    return scale


def _bits_set(builder: Any, numbers: Any) -> Any:
    """Return the bits k for which a vector's k-th number is not 0, or no number."""
    zero = ir.Constant(numbers.type, [0] * numbers.type.count)
    differs = builder.icmp_unsigned if isinstance(numbers.type.element, ir.IntType) else builder.fcmp_unordered
    return builder.zext(builder.bitcast(differs("!=", numbers, zero), ir.IntType(numbers.type.count)), I64)


def _make_mark(width: int) -> Any:
    @intrinsic
    def mark(typing_context, data, start):
        signature = types.uint64(data, types.int64)

        def generate(context, builder, signature, arguments):
            dtype = signature.args[0].dtype
            kind = ir.VectorType(context.get_value_type(dtype), width)
            place = address(context, builder, signature.args[0], *arguments)
            return _bits_set(builder, load(builder, place, kind, 1 if dtype == types.uint8 else bits_of(dtype) // 8))

        return signature, generate

    return mark


# out[o + k] = scale * data[start + k] for all k below the width; bytes that go to bytes stay as they are. Returned are
# the bits k for which data[start + k] is not 0, which is all that the second pair does.
scale_word, scale_block = _make_scale(WORD), _make_scale(BLOCK)
mark_word, mark_block = _make_mark(WORD), _make_mark(BLOCK)


@intrinsic
def scale_number(typing_context, number, out, scale):
    """Return what one number of a block of `scale_block` becomes in `out`."""
    target = out.dtype

    def generate(context, builder, signature, arguments):
        number, _, scale = arguments
        if target == types.uint8:
            return context.cast(builder, number, signature.args[0], target)
        return builder.fmul(context.cast(builder, number, signature.args[0], target), scale)

    return target(number, out, scale), generate


@intrinsic
def value_at(typing_context, numbers, i, values):
    """Return ``numbers[i]``, or of bytes what that stands for: ``values[numbers[i]]``."""
    signature = values.dtype(numbers, types.int64, values)

    def generate(context, builder, signature, arguments):
        number = builder.load(address(context, builder, signature.args[0], arguments[0], arguments[1]))
        if signature.args[0].dtype == types.uint8:
            return _value_of(context, builder, signature.args[2], arguments[2], number)
        return number

    return signature, generate


TURNED = 16  # bits of a word that `turn_bits` turns


@intrinsic
def turn_bits(typing_context, words, w, bit, out, o):
    """out[o + b] = the bits k < 64 for which bit `bit` + b of words[w + k] is set, for b < TURNED.

    Of 64 words a few bytes each are gathered, whose bits then come off one at a time.
    """
    signature = types.void(words, types.int64, types.int64, out, types.int64)

    def generate(context, builder, signature, arguments):
        words, w, bit, out, o = arguments
        kind = ir.VectorType(I64, WORD)
        column = load(builder, address(context, builder, signature.args[0], words, w), kind, 8)
        column = builder.lshr(column, broadcast(builder, bit, kind))
        turned = address(context, builder, signature.args[3], out, o)
        some = ir.VectorType(ir.IntType(8), WORD)
        for byte in range(TURNED // 8):
            part = builder.lshr(column, ir.Constant(kind, [8 * byte] * WORD))
            part = builder.trunc(part, some)
            for b in range(8):
                bits = _bits_set(builder, builder.and_(part, ir.Constant(some, [1 << b] * WORD)))
                builder.store(bits, builder.gep(turned, [ir.Constant(I64, 8 * byte + b)]))
        return context.get_dummy_value()

    return signature, generate


def _interleave(builder: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return the low and the high halves of a0 b0 a1 b1 …"""
    n = a.type.count
    picks = [[i // 2 + half * n // 2 + (n if i % 2 else 0) for i in range(n)] for half in (0, 1)]
    kind = ir.VectorType(I32, n)
    low, high = (builder.shuffle_vector(a, b, ir.Constant(kind, pick)) for pick in picks)
    return low, high


@intrinsic
def transpose_block(typing_context, data, rows, r, unit, out, o, stride):
    """out[o + u*stride + k] = data[rows[r + k] + unit + u] for u, k < BLOCK.

    The square turns in registers, by log2(BLOCK) perfect shuffles.
    """
    i64 = types.int64
    signature = types.void(data, rows, i64, i64, out, i64, i64)

    def generate(context, builder, signature, arguments):
        data, rows, r, unit, out, o, stride = arguments
        dtype = signature.args[0].dtype
        kind, align = ir.VectorType(context.get_value_type(dtype), BLOCK), bits_of(dtype) // 8
        lines = []
        for k in range(BLOCK):
            at = builder.gep(address(context, builder, signature.args[1], rows, r), [ir.Constant(I64, k)])
            start = builder.add(builder.load(at), unit)
            lines.append(load(builder, address(context, builder, signature.args[0], data, start), kind, align))
        half = BLOCK // 2
        for _ in range(BLOCK.bit_length() - 1):
            lines = [line for i in range(half) for line in _interleave(builder, lines[i], lines[i + half])]
        for u, line in enumerate(lines):
            place = builder.add(o, builder.mul(stride, ir.Constant(I64, u)))
            store(builder, line, address(context, builder, signature.args[4], out, place), align)
        return context.get_dummy_value()

    return signature, generate
