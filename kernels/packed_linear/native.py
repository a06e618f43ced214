"""Products with weights in an exact small form, in C (`kernels.native_library`): as many rows as come.

product = NativeMatrix(find_exact(weight_NK), bias_N)
y_MN = product(x_MK)
"""

import ctypes
import functools
from typing import Any

import torch

from offbook.kernels.native_library import instruction_sets, library
from offbook.kernels.packed_linear.formats import ExactMatrix
from offbook.kernels.packed_linear.panels import PANEL, panels
from offbook.kernels.packed_linear.weight_memory import ALIGNMENT, WeightMemory

NO_SUCH_SET, NO_MEMORY = 1, 2


class MatrixStruct(ctypes.Structure):
    """`struct matrix` of native/matrix.h."""

    _fields_ = (
        ("kind", ctypes.c_int64),
        ("rows", ctypes.c_int64),
        ("columns", ctypes.c_int64),
        ("data", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
    )


class NativeMatrix:
    """A matrix ready for the C code, which reads it through `struct` as long as this lives.

    Args:
        matrix: in its exact form.
        bias_N: added to products.
        memory: where its bytes are put, beside those of matrices that are read with it.
    """

    def __init__(
        self, matrix: ExactMatrix, bias_N: torch.Tensor | None = None, *, memory: WeightMemory | None = None
    ) -> None:
        self.kind = matrix.kind
        self.shape = (matrix.rows, matrix.columns)
        self.data = panels(matrix) if memory is None else memory.put(panels(matrix))
        self.bias = None
        if bias_N is not None:
            self.bias = torch.zeros(self.data.shape[0] * PANEL)
            self.bias[: matrix.rows] = bias_N.float()
        assert self.data.data_ptr() % ALIGNMENT == 0
        self.struct = MatrixStruct(
            int(matrix.kind),
            *self.shape,
            self.data.data_ptr(),
            None if self.bias is None else self.bias.data_ptr(),
        )

    @property
    def bytes(self) -> int:
        """Read in one product."""
        return self.data.numel()

    def __call__(self, x_MK: torch.Tensor, *, instruction_set: str | None = None) -> torch.Tensor:
        """Activations times the matrix: x W^T + b, fp32 (M, N), on as many threads as torch uses.

        Raises:
            ValueError: not fp32 rows of K on the CPU, or an instruction set that this machine lacks.
        """
        rows, columns = self.shape
        if x_MK.dtype != torch.float32 or x_MK.device.type != "cpu" or x_MK.dim() != 2 or x_MK.shape[1] != columns:
            msg = f"expected fp32 activations (rows, {columns}) on the CPU, got {x_MK.dtype} {tuple(x_MK.shape)}"
            raise ValueError(msg)
        x_MK = x_MK.contiguous()
        y_MN = x_MK.new_empty(x_MK.shape[0], rows)
        done = _product()(
            ctypes.byref(self.struct),
            x_MK.data_ptr(),
            x_MK.shape[0],
            y_MN.data_ptr(),
            torch.get_num_threads(),
            None if instruction_set is None else instruction_set.encode(),
        )
        check(done, instruction_set)
        return y_MN


def check(done: int, instruction_set: str | None = None) -> None:
    """Raises for an answer of the C code that is not 0."""
    if done == NO_SUCH_SET:
        msg = f"expected an instruction set of this machine ({', '.join(instruction_sets())}), got {instruction_set!r}"
        raise ValueError(msg)
    if done == NO_MEMORY:
        msg = "not enough memory for the activations of so many rows"
        raise MemoryError(msg)
    assert done == 0, done


@functools.cache
def _product() -> Any:
    function = library().offbook_product
    function.argtypes = [
        ctypes.POINTER(MatrixStruct),
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_char_p,
    ]
    return function
