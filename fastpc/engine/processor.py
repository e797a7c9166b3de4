"""The processor as the compiler sees it."""

from __future__ import annotations

import llvmlite.binding as llvm

from fastpc.engine.llvm import VECTOR_BYTES

# What kernels gain from, among a hundred features that LLVM knows by name.
VECTORS = ("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512bf16", "neon", "sve")


def compiled_for() -> str:
    """Return LLVM's name of the processor that kernels are compiled for."""
    return str(llvm.get_host_cpu_name())


def vector_features() -> list[str]:
    """Return which vector instructions the processor has."""
    features = llvm.get_host_cpu_features()
    return [name for name in VECTORS if features.get(name)]


def vector_bits() -> int:
    """Return the width of the vectors that kernels use, in bits."""
    return 8 * VECTOR_BYTES
