"""Products with weights in an exact small form: y = x W^T + b with fp32 activations and sums."""

from offbook.kernels.native_library import instruction_sets, native_available
from offbook.kernels.packed_linear.formats import ExactMatrix, Kind, find_exact
from offbook.kernels.packed_linear.native import NativeMatrix
from offbook.kernels.packed_linear.reference import dequantise, packed_linear
from offbook.kernels.packed_linear.weight_memory import WeightMemory

__all__ = [
    "ExactMatrix",
    "Kind",
    "NativeMatrix",
    "WeightMemory",
    "dequantise",
    "find_exact",
    "instruction_sets",
    "native_available",
    "packed_linear",
]
