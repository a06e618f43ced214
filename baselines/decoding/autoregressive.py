"""Plain autoregressive decoding: the tree is the bare root, so every verify forward commits one token.

It runs through the same loop, backbone, cache and clock as every speculative contender, and is the row that
speed-ups and losslessness are measured against.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.tree import Tree


class Autoregressive:
    """See `Drafter`: it drafts nothing."""

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()
    max_nodes = 1

    def __init__(self) -> None:
        self._root = 0

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._root = int(tokens_R[count - 1])

    def propose(self) -> Tree:
        """See `Drafter`."""
        return Tree((self._root,), (-1,))
