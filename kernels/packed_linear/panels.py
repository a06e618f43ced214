"""Weights as the C code reads them: panels of 16 rows that lie side by side (native/matrix.h draws the layout).

Shapes: N rows filled up to P panels of 16, K columns, B blocks of 32 columns.
"""

import torch
from torch.nn import functional

from offbook.kernels.packed_linear.formats import ExactMatrix, Kind

PANEL = 16


def panels(matrix: ExactMatrix) -> torch.Tensor:
    """The bytes, panel by panel, (P, bytes of one)."""
    if matrix.kind in (Kind.F32, Kind.BF16):
        return _bytes(_side_by_side(matrix.values))
    assert matrix.d_NB is not None
    d = _bytes(_side_by_side(matrix.d_NB)[:, :, None])  # (P, B, 32 bytes)
    q = _side_by_side(matrix.values.flatten(1)).unflatten(1, (-1, 32))  # (P, B, 32, 16)
    if matrix.kind == Kind.Q8_0:
        unsigned = q.view(torch.uint8) ^ 128  # q + 128
        words = unsigned.unflatten(2, (8, 4)).transpose(-1, -2)  # (P, B, word, 16, byte)
        return torch.cat([d, words.flatten(2)], dim=-1).flatten(1)
    assert matrix.m_NB is not None
    m = _bytes(_side_by_side(matrix.m_NB)[:, :, None])
    pairs = q.unflatten(2, (4, 4, 2))  # (P, B, word, byte, nibble, 16)
    words = (pairs[..., 0, :] | pairs[..., 1, :] << 4).transpose(-1, -2)  # (P, B, word, 16, byte)
    return torch.cat([d, m, words.flatten(2)], dim=-1).flatten(1)


def _side_by_side(values_NX: torch.Tensor) -> torch.Tensor:
    """(P, X, 16)."""
    filled = functional.pad(values_NX, (0, 0, 0, -values_NX.shape[0] % PANEL))
    return filled.view(-1, PANEL, filled.shape[1]).transpose(1, 2).contiguous()


def _bytes(values: torch.Tensor) -> torch.Tensor:
    """The last two dimensions as one of bytes."""
    return values.contiguous().view(torch.uint8).flatten(-2)
