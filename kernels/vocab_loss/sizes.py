"""How the kernels cut their work, by vocabulary and dtype: by what compiles without spilling; none of it is timed."""

from typing import NamedTuple

import torch

HELD = 6 * 8192  # numbers of half precision that a program of 32 warps can hold


class Rows(NamedTuple):
    """How a program walks over a row: in blocks of so many numbers, `held` of them at once or, for 0, one by one."""

    block: int
    held: int
    warps: int


class Tiles(NamedTuple):
    """Sizes of a tile of the head's product."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


def pick(size: int, dtype: torch.dtype, *, teacher: bool) -> Rows:
    """For rows of so many logits."""
    whole = max(16, 1 << (size - 1).bit_length())
    if teacher:
        block = min(8192, whole)
        return Rows(block, 0, max(1, min(16, block // 512)))
    if dtype.itemsize == 2 and size <= HELD:
        block = min(8192, whole)
        return Rows(block, -(-size // block), max(1, min(32, block // 256)))
    block = min(16384 if dtype.itemsize == 2 else 4096, whole)
    return Rows(block, 0, max(1, min(32, block // 512)))


def pick_tiles() -> Tiles:
    """For the head's product, in half precision."""
    return Tiles(128, 256, 64, 8, 3)
