"""Plain autoregressive decoding: the tree is the bare root, so every verify forward commits one token.

It runs through the same loop, backbone, cache and clock as every speculative contender, and is the row that
speed-ups and losslessness are measured against.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.drafter import Form
from offbook.engine.decoding.tree import Tree
from offbook.kernels.rerank_tree import Reranked


class Autoregressive:
    """See `Drafter`: it drafts nothing; and `WholeRoundDrafter`: it keeps nothing either."""

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()
    max_nodes = 1
    form = Form(nodes=1, levels=0, passes=0)
    kept: Sequence[torch.Tensor] = ()

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

    def enter(self) -> None:
        """See `WholeRoundDrafter`."""

    def draft(self, root: torch.Tensor, start: torch.Tensor) -> Reranked:
        """See `WholeRoundDrafter`."""
        nothing = torch.zeros_like(root)
        told_M = torch.stack([nothing, root, nothing - 1, nothing, start])
        return Reranked(told_M, torch.ones_like(root).reshape(1, 1), nothing.float().reshape(1))

    def extend(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: torch.Tensor) -> None:
        """See `WholeRoundDrafter`."""

    def leave(self, root: int, length: int) -> None:
        """See `WholeRoundDrafter`."""
        self._root = root
