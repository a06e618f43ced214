"""Exact small forms of a weight matrix, found again in its fp32 values: Q4_1 and Q8_0 blocks, bf16, or fp32 as it is.

A matrix that was once dequantised still holds its blocks: 32 neighbouring weights of a row are d q + m with q in 0..15
(Q4_1) or d q with q in -127..127 (Q8_0), where d and m are fp16. The block minimum is m, d follows from the range, and
the guess is kept only where it gives back every weight bit for bit. A product d q of 11 by 4 or 8 bits is exact in
fp32, so there is one rounding, whether it is added or fused. A matrix is of one form as a whole.

Shapes: N rows, K columns, B blocks of 32 columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import torch

BLOCK = 32
WEIGHTS_AT_ONCE = 1 << 18  # so that what is worked out of them stays in the cache


class Kind(IntEnum):
    """A form of weights; the numbers are those of native/matrix.h."""

    F32 = 0
    BF16 = 1
    Q8_0 = 2
    Q4_1 = 3


@dataclass(frozen=True, kw_only=True)
class ExactMatrix:
    """A weight matrix (N, K) in one form.

    `values`: of F32 and BF16 the weights (N, K) in that dtype; of the others q (N, B, 32), uint8 or int8.
    """

    kind: Kind
    values: torch.Tensor
    d_NB: torch.Tensor | None = None
    m_NB: torch.Tensor | None = None

    @property
    def rows(self) -> int:
        """N."""
        return self.values.shape[0]

    @property
    def columns(self) -> int:
        """K."""
        return self.values[0].numel()


def find_exact(weight_NK: torch.Tensor) -> ExactMatrix:
    """The smallest form that holds a weight matrix exactly."""
    weight_NK = weight_NK.detach()
    if weight_NK.dtype != torch.float32:
        weight_NK = weight_NK.float()
    tries: tuple[Callable[[torch.Tensor], ExactMatrix | None], ...] = (find_q4_1, find_q8_0, find_bf16)
    return next((found for attempt in tries if (found := attempt(weight_NK)) is not None), as_fp32(weight_NK))


def find_q4_1(weight_NK: torch.Tensor) -> ExactMatrix | None:
    """In blocks of d q + m, or None where that is not exact."""
    return _in_blocks(weight_NK, Kind.Q4_1, _q4_1_part)


def find_q8_0(weight_NK: torch.Tensor) -> ExactMatrix | None:
    """In blocks of d q, or None where that is not exact."""
    return _in_blocks(weight_NK, Kind.Q8_0, _q8_0_part)


def find_bf16(weight_NK: torch.Tensor) -> ExactMatrix | None:
    """In bf16, or None where that is not exact."""
    small = weight_NK.bfloat16()
    return ExactMatrix(kind=Kind.BF16, values=small) if _same_bits(small.float(), weight_NK) else None


def as_fp32(weight_NK: torch.Tensor) -> ExactMatrix:
    """As it is."""
    return ExactMatrix(kind=Kind.F32, values=weight_NK.contiguous())


Parts = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]


def _in_blocks(weight_NK: torch.Tensor, kind: Kind, part: Callable[[torch.Tensor], Parts | None]) -> ExactMatrix | None:
    rows, columns = weight_NK.shape
    if columns % BLOCK or not rows:
        return None
    blocks = weight_NK.reshape(rows, columns // BLOCK, BLOCK)
    found = []
    for some in blocks.split(max(1, WEIGHTS_AT_ONCE // columns)):
        parts = part(some)
        if parts is None:
            return None
        found.append(parts)
    q, d, m = zip(*found, strict=True)
    minima = None if m[0] is None else torch.cat(m)
    return ExactMatrix(kind=kind, values=torch.cat(q), d_NB=torch.cat(d), m_NB=minima)


def _q4_1_part(blocks: torch.Tensor) -> Parts | None:
    low, high = blocks.aminmax(dim=-1)
    m = low.half()
    if not torch.equal(m.float(), low):  # the first of the weights is a block's minimum, and most others end here
        return None
    d = ((high - low) / 15).half()
    wide_d, wide_m = d.float()[..., None], m.float()[..., None]
    q = ((blocks - wide_m) / torch.where(wide_d == 0, 1.0, wide_d)).round_()
    ok = bool((q.amin() >= 0) & (q.amax() <= 15)) and _same_bits(wide_d * q + wide_m, blocks)
    return (q.byte(), d, m) if ok else None


def _q8_0_part(blocks: torch.Tensor) -> Parts | None:
    d = (blocks.abs().amax(dim=-1) / 127).half()
    wide_d = d.float()[..., None]
    q = (blocks / torch.where(wide_d == 0, 1.0, wide_d)).round_().add_(0.0)  # an integer has no -0
    ok = bool((q.amin() >= -127) & (q.amax() <= 127)) and _same_bits(wide_d * q, blocks)
    return (q.char(), d, None) if ok else None


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """The sign of a zero included."""
    return torch.equal(a.view(torch.int32), b.view(torch.int32))
