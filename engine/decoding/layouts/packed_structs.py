"""The structures of native/llama.h, for ctypes; a field's name and place are the same there."""

import ctypes
from typing import Any

from offbook.kernels.native_library import library
from offbook.kernels.packed_linear.native import MatrixStruct

INT, POINTER = ctypes.c_int64, ctypes.c_void_p


class NormStruct(ctypes.Structure):
    """`struct norm`."""

    _fields_ = (("weight", POINTER), ("eps", ctypes.c_double))


class LayerStruct(ctypes.Structure):
    """`struct layer`."""

    _fields_ = (
        *((name, NormStruct) for name in ("attention_norm", "q_norm", "k_norm", "mlp_norm")),
        *((name, MatrixStruct) for name in ("q", "k", "v", "o", "gate", "up", "down")),
        ("window", INT),
    )


class LlamaStruct(ctypes.Structure):
    """`struct llama`."""

    _fields_ = (
        *((name, INT) for name in ("hidden", "heads", "kv_heads", "head_dim", "inner", "vocabulary", "layer_count")),
        ("scale", ctypes.c_double),
        ("embedding", POINTER),
        ("layers", ctypes.POINTER(LayerStruct)),
        ("final_norm", NormStruct),
        ("head", MatrixStruct),
    )


class SequenceStruct(ctypes.Structure):
    """`struct sequence`."""

    _fields_ = (
        ("storage", POINTER),
        *((name, INT) for name in ("capacity", "length", "first_row", "rows")),
        ("visible", POINTER),
    )


class StepStruct(ctypes.Structure):
    """`struct step`."""

    _fields_ = (
        ("rows", INT),
        *((name, POINTER) for name in ("tokens", "positions", "cosines", "sines")),
        ("table_rows", INT),
        ("sequence_count", INT),
        ("sequences", ctypes.POINTER(SequenceStruct)),
        ("logits_rows", INT),
        ("logits", POINTER),
        ("tap_count", INT),
        ("taps", ctypes.POINTER(INT)),
        ("states", POINTER),
    )


def llama_step() -> Any:
    """`offbook_llama_step`."""
    function = library().offbook_llama_step
    function.argtypes = [
        ctypes.POINTER(LlamaStruct),
        ctypes.POINTER(StepStruct),
        ctypes.c_int,
        ctypes.c_char_p,
    ]
    return function
