"""Prefetch of an array's row from inside a compiled loop."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

READ, KEEP, DATA = 0, 3, 1  # arguments of LLVM's prefetch: the purpose, how near the cache, which cache


@intrinsic
def prefetch(typing_context, array, row, column):  # type: ignore[no-untyped-def]
    """Start loading the cache line of array[row, column], which must lie within the array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        pointer = cgutils.get_item_pointer(context, builder, kind, view, arguments[1:])
        integer = ir.IntType(32)
        signature_of = ir.FunctionType(ir.VoidType(), [pointer.type, integer, integer, integer])
        function = cgutils.get_or_insert_function(builder.module, signature_of, "llvm.prefetch.p0")
        builder.call(function, [pointer, *(ir.Constant(integer, n) for n in (READ, KEEP, DATA))])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate
