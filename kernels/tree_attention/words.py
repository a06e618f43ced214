"""Who sees whom among the rows of a tree, as 64-bit words: bit j % 64 of word j // 64 stands for the tree's j-th row.

Sixty candidates need one word a row, which a kernel keeps in a register; a boolean mask would be read once for every
key. Whatever mask a pass over few rows has goes through the same words: ancestors of candidates, the causal rows of an
extension, branches behind a prompt, the blocks of a drafter that fills in many positions at once.

Shapes: T query rows, N rows that they may see, W = ceil(N / 64) words.
"""

from collections.abc import Sequence

import torch
from torch.nn import functional

WORD = 64


def pack_words(visible_TN: torch.Tensor) -> torch.Tensor:
    """Words (..., T, W), int64, of a boolean mask (..., T, N); bits past N are zero."""
    count = -(-visible_TN.shape[-1] // WORD)
    padded = functional.pad(visible_TN, (0, count * WORD - visible_TN.shape[-1]))
    bits: torch.Tensor = padded.unflatten(-1, (count, WORD)).long() << torch.arange(WORD, device=visible_TN.device)
    return bits.sum(-1)  # of different powers of two, so that nothing carries


def unpack_words(words_TW: torch.Tensor, rows: int) -> torch.Tensor:
    """The boolean mask (..., T, rows) of words (..., T, W); `rows` is N, at most 64 W."""
    bits = words_TW[..., None] >> torch.arange(WORD, device=words_TW.device) & 1
    return bits.flatten(-2)[..., :rows] != 0


def causal_words(rows: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """A run of rows, each of which sees itself and those before it, (T, W)."""
    return pack_words(torch.ones(rows, rows, dtype=torch.bool, device=device).tril())


def block_causal_words(sizes: Sequence[int], *, shared: int = 0, device: torch.device | str = "cpu") -> torch.Tensor:
    """Blocks of rows, each causal in itself and blind to every other, behind rows that all see, (T, W).

    Args:
        sizes: rows of each block, in order.
        shared: rows in front of the first block, causal among themselves, that every block sees whole: a prompt.
        device: of the words.
    """
    block_T = torch.tensor([-1] * shared + _numbers(sizes), device=device)
    row_T = torch.arange(block_T.shape[0], device=device)
    visible_TT = (block_T[:, None] == block_T) | (block_T < 0)
    return pack_words(visible_TT & (row_T <= row_T[:, None]))


def block_bidirectional_words(
    sizes: Sequence[int], *, context: int = 0, seen: Sequence[int] | None = None, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Blocks of rows, each of which sees all of its own block and of no other, (T, W).

    Args:
        sizes: rows of each block, in order; these are the query rows.
        context: rows in front of the first block that are only looked at.
        seen: how many of these, from the first on, each block sees; all by default.
        device: of the words.
    """
    numbers = _numbers(sizes)
    block_T = torch.tensor(numbers, device=device)
    limit_T = torch.tensor([context if seen is None else seen[number] for number in numbers], device=device)
    before_TN = torch.arange(context, device=device) < limit_T[:, None]
    return pack_words(torch.cat([before_TN, block_T[:, None] == block_T], dim=1))


def _numbers(sizes: Sequence[int]) -> list[int]:
    return [number for number, size in enumerate(sizes) for _ in range(size)]
