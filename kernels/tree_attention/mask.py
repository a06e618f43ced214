"""What query rows see of a cache: all rows of a prefix whose length the device knows, and a tree behind it in words.

Shapes: B batch, T query rows, S key rows, N rows of the tree, W words a row.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from offbook.kernels.implementation import triton_runs
from offbook.kernels.tree_attention.words import WORD, pack_words, unpack_words

MOST_ROWS = 256  # above these a boolean mask is one of a prefill or of a training, and torch's own attention is meant


@dataclass(frozen=True, kw_only=True, eq=False)
class TreeMask:
    """The first `length` key rows, seen by every query row, and `rows` behind them, seen where a bit is set.

    Key rows farther behind are not read, whatever lies in them: keys may be a whole cache with room to spare.

    Attributes:
        words_BTW: int64, see `words`; the batch may be 1 for all sequences.
        length_B: rows of the prefix, of any integer type: one for each sequence, or one for all, also without a
            dimension. It stays on the device.
        rows: N, rows of the tree among the keys, at least one; often the query rows themselves.
        positions_BN: absolute positions of the tree's rows, needed with a window; row i of the prefix sits at i.
    """

    words_BTW: torch.Tensor
    length_B: torch.Tensor
    rows: int
    positions_BN: torch.Tensor | None = None

    def __post_init__(self) -> None:
        assert self.words_BTW.dtype == torch.int64
        assert 1 <= self.rows <= WORD * self.words_BTW.shape[-1]

    def visible(self, keys: int) -> torch.Tensor:
        """The same as a boolean mask over `keys` rows, (B, T, S)."""
        behind_BS = self._behind(keys)
        bits_BTN = unpack_words(self.words_BTW, self.rows)
        batch, rows = max(behind_BS.shape[0], bits_BTN.shape[0]), bits_BTN.shape[1]
        place_BTS = behind_BS.clamp(0, self.rows - 1)[:, None].expand(batch, rows, keys)
        bit_BTS = bits_BTN.expand(batch, -1, -1).gather(2, place_BTS)
        return (behind_BS < 0)[:, None] | (bit_BTS & (behind_BS < self.rows)[:, None])

    def exists(self, keys: int) -> torch.Tensor:
        """Which of `keys` rows are the prefix's or the tree's, (B, S)."""
        return self._behind(keys) < self.rows

    def key_positions(self, keys: int) -> torch.Tensor:
        """Absolute positions of `keys` rows, (B, S), of those that exist."""
        assert self.positions_BN is not None, "a window needs the positions of the tree's rows"
        behind_BS = self._behind(keys)
        batch = max(behind_BS.shape[0], self.positions_BN.shape[0])
        behind_BS = behind_BS.expand(batch, keys)
        tree_BS = self.positions_BN.expand(batch, -1).gather(1, behind_BS.clamp(0, self.rows - 1))
        return torch.where(behind_BS < 0, torch.arange(keys, device=behind_BS.device), tree_BS)

    def _behind(self, keys: int) -> torch.Tensor:
        """How far each key row lies behind the prefix, (B, S); negative within it."""
        return torch.arange(keys, device=self.length_B.device) - self.length_B.reshape(-1, 1)


Visible = torch.Tensor | TreeMask  # a boolean mask (B, T, S), or the same said shorter


def prefix_and_tree(visible_TN: torch.Tensor, length: int | torch.Tensor, *, implementation: str = "auto") -> Visible:
    """Rows that see `length` rows in front, and of N rows behind them what a boolean mask says; the same for a batch.

    In words where a kernel reads them, and where only the device knows the length; else as a boolean mask
    (1, T, length + N). Nothing waits for the device.
    """
    if isinstance(length, int):
        if visible_TN.shape[0] > MOST_ROWS or not triton_runs(visible_TN, implementation):
            return functional.pad(visible_TN, (length, 0), value=True)[None]
        length = torch.full((1,), length, dtype=torch.int32, device=visible_TN.device)
    return TreeMask(words_BTW=pack_words(visible_TN)[None], length_B=length, rows=visible_TN.shape[1])
