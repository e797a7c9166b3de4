"""Functions that only other compiled functions call: kept as LLVM's code, and compiled with their callers alone.

Numba optimises every function and makes machine code of it before it links it into its callers, which pass all of it
through LLVM again, once for every level of calls. Doing so once, in the entry points, saves a third of the time.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import codegen, compiler

from fastpc.engine.llvm import VECTOR_BYTES

# How the names of functions' environments begin.
_ENVIRONMENT = "_ZN08NumbaEnv"


def _null_pointer(name: str) -> Any:
    """Return a module with nothing but a pointer of this name, that of any other module which has one."""
    module = ir.Module(name)
    pointer = ir.GlobalVariable(module, ir.IntType(8).as_pointer(), name)
    pointer.linkage = "common"
    pointer.initializer = ir.Constant(pointer.value_type, None)
    return llvm.parse_assembly(str(module))


class WideLibrary(codegen.JITCodeLibrary):  # type: ignore[misc]
    """Compiled code that uses vector registers of their full width.

    LLVM keeps loops to half of it on processors whose first kind slowed down for the whole; `VECTOR_BYTES` is what the
    engine's own vectors have, so nothing is saved there.
    """

    def add_ir_module(self, ir_module: ir.Module) -> None:
        """Add a module, whose functions will have loops as wide as `VECTOR_BYTES`."""
        for function in ir_module.functions:
            if function.blocks:
                # llvmlite's own method knows only the attributes without a value.
                set.add(function.attributes, f'"prefer-vector-width"="{8 * VECTOR_BYTES}"')
                # For divisions whose flags allow it, which are those of `scalar.reciprocal`.
                set.add(function.attributes, '"reciprocal-estimates"="vec-divf:1"')
        super().add_ir_module(ir_module)


class LinkedLibrary(WideLibrary):
    """A kernel that is only ever linked into its callers, and is optimised and made machine code of with them."""

    def _optimize_final_module(self) -> None:
        """Leave LLVM's code as it is: its callers' passes see all of it."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        # Numba writes to the function's environment, a global variable, whether or not the function uses it.
        for variable in self._final_module.global_variables:
            if variable.name.startswith(_ENVIRONMENT) and not self._codegen._engine.is_symbol_defined(variable.name):
                self._codegen._add_module(_null_pointer(variable.name))
        self._finalized = True


class WideCompiler(compiler.Compiler):  # type: ignore[misc]
    """Numba's compiler, with a library of ours."""

    library = WideLibrary

    def define_pipelines(self) -> Any:
        """Return the usual passes, which will leave what they make in a library of this class."""
        if self.state.library is None:
            library = self.library(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
            library.enable_object_caching()
            self.state.library = library
        return super().define_pipelines()


class LinkedCompiler(WideCompiler):
    """Numba's compiler, up to LLVM's code."""

    library = LinkedLibrary
