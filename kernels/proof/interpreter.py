"""Makes bfloat16 right in Triton's interpreter, and Triton 3.6 run there under numpy 2.4 or later.

The interpreter keeps bf16 blocks as uint16 bit patterns and computes on these (`tl.dot`, +, *, `tl.sum`), without an
error, and converts fp32 to bf16 by truncation (triton-lang/triton #11584; its fix #11585 was closed unmerged). In 3.6
a loop whose bound is a run-time integer is a TypeError besides, because numpy 2.4 refuses int() of an array of one
element.

`repair` changes private functions of `triton.runtime.interpreter`, tested with 3.6 and 3.7, so that each operation on
bf16 widens to fp32, computes, and rounds once to nearest even: conversions are torch's bit by bit (the payload of NaN
aside), products are summed in fp32 as tensor cores do. Where one of the functions is gone it says so; that the results
are right is what tests/kernels/test_proof_interpreter.py holds.

Still other than on a GPU: a conversion of fp64 or of large integers to bf16 rounds twice, by way of fp32.
"""

import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from offbook.kernels.implementation import interpreted

# What is changed, by owner; `interpreter` itself owns the last.
CHANGED = {
    "InterpreterBuilder": ("cast_impl", "create_fp_to_fp", "create_dot"),
    "ReduceOps": ("apply_impl",),
    "ScanOps": ("apply_impl",),
    "": ("_patch_lang_tensor",),
}
IN_FLOAT32 = ("binary_op", "unary_op", "ternary_op", "create_fma", "create_erf", "create_rsqrt")


@functools.cache
def repair() -> None:
    """Repair the interpreter of this process, once, before its first launch.

    Raises:
        RuntimeError: the process compiles, or this Triton's interpreter has other functions than are changed.
    """
    if not interpreted():
        msg = "expected TRITON_INTERPRET=1 before triton is imported, got a process that compiles"
        raise RuntimeError(msg)
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    missing = missing_names(interpreter)
    if missing:
        msg = (
            f"expected {', '.join(missing)} in triton.runtime.interpreter, which this Triton does not have; its"
            " interpreter has changed, so adapt offbook/kernels/proof/interpreter.py"
        )
        raise RuntimeError(msg)
    _repair_conversions(interpreter)
    _repair_arithmetic(interpreter)
    for folding in (interpreter.ReduceOps, interpreter.ScanOps):
        folding.apply_impl = _folded_in_float32(folding.apply_impl, interpreter)
    _repair_loop_bounds(interpreter)


def missing_names(interpreter: Any) -> list[str]:
    """What `repair` changes and the interpreter does not have."""
    names = [*CHANGED.items(), ("InterpreterBuilder", IN_FLOAT32)]
    found = []
    for owner, functions in names:
        holder = getattr(interpreter, owner, None) if owner else interpreter
        found += [f"{owner}.{name}".lstrip(".") for name in functions if not hasattr(holder, name)]
    return found


def widened(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """The numbers that bf16 bit patterns stand for."""
    wide: npt.NDArray[np.float32] = (np.asarray(bits).astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide


def narrowed(numbers: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Bit patterns of the nearest bf16 numbers, even where two are as near."""
    wide = np.asarray(numbers, dtype=np.float32)
    bits = wide.view(np.uint32)
    even = (bits >> np.uint32(16)) & np.uint32(1)
    nearest = ((bits + np.uint32(0x7FFF) + even) >> np.uint32(16)).astype(np.uint16)
    return np.where(np.isnan(wide), np.uint16(0x7FC0), nearest)


def _repair_conversions(interpreter: Any) -> None:
    import triton.language as tl

    builder, handle = interpreter.InterpreterBuilder, interpreter.TensorHandle
    cast, convert = builder.cast_impl, builder.create_fp_to_fp

    def cast_impl(self: Any, source: Any, target: Any) -> Any:
        wanted = target.scalar
        if tl.bfloat16 not in (source.dtype.scalar, wanted):
            return cast(self, source, target)
        if _is_bf16(source):
            source = handle(widened(source.data), tl.float32)
        elif source.dtype.scalar != tl.float32:
            source = cast(self, source, tl.float32)
        if wanted == tl.bfloat16:
            return handle(narrowed(source.data), tl.bfloat16)
        return source if wanted == tl.float32 else cast(self, source, target)

    def create_fp_to_fp(self: Any, source: Any, target: Any, rounding: Any) -> Any:
        kinds = {source.dtype.scalar, target.scalar}
        toward_zero = rounding == interpreter._ir.ROUNDING_MODE.RTZ and target.scalar == tl.bfloat16
        if kinds == {tl.bfloat16, tl.float32} and not toward_zero:
            return cast_impl(self, source, target)
        return convert(self, source, target, rounding)

    builder.cast_impl, builder.create_fp_to_fp = cast_impl, create_fp_to_fp
    builder.get_bf16 = lambda self, value: handle(narrowed(np.array([value])), tl.bfloat16)  # of `x * 0.5`


def _repair_arithmetic(interpreter: Any) -> None:
    import triton.language as tl

    builder, handle = interpreter.InterpreterBuilder, interpreter.TensorHandle
    dot = builder.create_dot

    def create_dot(self: Any, a: Any, b: Any, c: Any, *how: Any) -> Any:
        # fp16 too: factors of half precision are multiplied exactly and summed in fp32, here as in a tensor core.
        if not {a.dtype.scalar, b.dtype.scalar} <= {tl.bfloat16, tl.float16}:
            return dot(self, a, b, c, *how)
        wide = [widened(x.data) if _is_bf16(x) else x.data.astype(np.float32) for x in (a, b, c)]
        total = wide[0] @ wide[1] + wide[2]
        return handle(narrowed(total) if _is_bf16(c) else total.astype(c.data.dtype), c.dtype.scalar)

    for name in IN_FLOAT32:
        setattr(builder, name, _in_float32(getattr(builder, name), interpreter))
    builder.create_dot = create_dot


def _in_float32(original: Callable[..., Any], interpreter: Any) -> Callable[..., Any]:
    """An element-wise operation that takes bf16 blocks as fp32 and rounds its result."""
    import triton.language as tl

    handle = interpreter.TensorHandle

    @functools.wraps(original)
    def repaired(self: Any, *arguments: Any) -> Any:
        if not any(_is_bf16(argument) for argument in arguments):
            return original(self, *arguments)
        found = original(self, *(handle(widened(x.data), tl.float32) if _is_bf16(x) else x for x in arguments))
        if found.data.dtype == np.bool_:  # a comparison
            return handle(found.data, tl.int1)
        return handle(narrowed(found.data), tl.bfloat16)

    return repaired


def _folded_in_float32(original: Callable[..., Any], interpreter: Any) -> Callable[..., Any]:
    """A reduction or a scan that takes bf16 blocks as fp32 and rounds what it found."""
    import triton.language as tl

    def tensor(like: Any, data: Any, dtype: Any) -> Any:
        kind = tl.block_type(dtype, list(data.shape)) if like.type.is_block() else dtype
        return tl.core.tensor(interpreter.TensorHandle(data, dtype), kind)

    @functools.wraps(original)
    def repaired(self: Any, inputs: Iterable[Any]) -> Any:
        blocks = tuple(inputs)
        were = [_is_bf16(block.handle) for block in blocks]
        if not any(were):
            return original(self, blocks)
        found = original(
            self,
            tuple(
                tensor(block, widened(block.handle.data), tl.float32) if was else block
                for block, was in zip(blocks, were, strict=True)
            ),
        )
        results = found if isinstance(found, (list, tuple)) else [found]
        return [
            tensor(result, narrowed(result.handle.data), tl.bfloat16) if was and result.dtype == tl.float32 else result
            for result, was in zip(results, [*were, *[False] * len(results)], strict=False)
        ]

    return repaired


def _repair_loop_bounds(interpreter: Any) -> None:
    original = interpreter._patch_lang_tensor

    def patch_lang_tensor(tensor: Any, scope: Any) -> None:
        original(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(np.asarray(self.handle.data).reshape(())))

    interpreter._patch_lang_tensor = patch_lang_tensor


def _is_bf16(argument: Any) -> bool:
    """Whether an argument of a builder's function is a block of bf16, or one number."""
    return bool(getattr(getattr(argument, "dtype", None), "scalar", None) == _bf16())


@functools.cache
def _bf16() -> Any:
    import triton.language as tl

    return tl.bfloat16
