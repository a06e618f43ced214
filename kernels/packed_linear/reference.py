"""Products with exact small weights in plain torch: the specification. Weights become fp32, and none is rounded."""

import torch
from torch.nn import functional

from offbook.kernels.packed_linear.formats import ExactMatrix


def dequantise(matrix: ExactMatrix) -> torch.Tensor:
    """The fp32 weights (N, K): d q + m for Q4_1, d q for Q8_0."""
    values = matrix.values.float()
    if matrix.d_NB is not None:
        values = matrix.d_NB.float()[..., None] * values
    if matrix.m_NB is not None:
        values = values + matrix.m_NB.float()[..., None]
    return values.reshape(matrix.rows, -1)


def packed_linear(x_MK: torch.Tensor, matrix: ExactMatrix, bias_N: torch.Tensor | None = None) -> torch.Tensor:
    """Activations times the matrix: x W^T + b, fp32 (M, N)."""
    return functional.linear(x_MK, dequantise(matrix), bias_N)
