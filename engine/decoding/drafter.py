"""The seam of a contender: propose candidates, be told what was accepted. The loop owns everything else."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

from offbook.engine.decoding.tree import Tree


class Drafter(Protocol):
    """Proposes a candidate tree from the committed tokens and the target's features."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """Modules whose calls count as draft forwards (the loop counts them; empty without a network)."""
        ...

    @property
    def max_nodes(self) -> int:
        """Largest tree it proposes, root included."""
        ...

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """Forgets the previous prompt and makes room for `capacity` committed tokens."""
        ...

    def observe(self, tokens_1N: torch.Tensor, features_1NH: torch.Tensor) -> None:
        """Is told what was committed.

        `features_1NH[:, i]` is the target's feature at the position *before* `tokens_1N[:, i]`. The first call
        covers the prompt from its second token on and ends with the first new token; the last token of every call
        is the root of the next tree.
        """
        ...

    def propose(self) -> Tree:
        """A tree whose root is the token observed last."""
        ...
