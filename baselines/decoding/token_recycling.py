"""Token Recycling (arXiv:2408.08696): of every token the eight successors the target found likeliest the last time.

After each forward every verified row, accepted or not, replaces the row of its token by the eight largest of its
logits; of several rows of one token the last stands. The next tree hangs each token's successors below it.

Ours: the paper's tree is fixed, of 80 nodes; here it grows best first by how often a successor of each rank was right,
to a number of nodes that a CPU verifies cheaply. A token without a row ends its path. The prompt's rows, whose logits
are not computed, are filled with the tokens that followed in it, the latest first.

`memory`: the paper keeps rows from one document to the next. Off by default, since a speed then hangs on what was
decoded before, and a second try of a prompt would find its own answer.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from offbook.engine.decoding.best_first import best_first
from offbook.engine.decoding.tree import Tree
from offbook.kernels.topk_logprobs import likeliest

Memory = Literal["document", "suite"]
Known = tuple[int, Sequence[float]]  # a token, and how often each of its successors is right
SUCCESSORS = 8
# How often the target's next token was the successor of each rank, below the root and further down: its own answers to
# training prompts, six suites pooled.
RANKS = (0.31, 0.14, 0.065, 0.045, 0.035, 0.025, 0.02, 0.015)
RANKS_BELOW = (0.53, 0.12, 0.055, 0.03, 0.02, 0.015, 0.013, 0.01)


class TokenRecycling:
    """See `Drafter` and `LearningDrafter`.

    Args:
        nodes: most candidates of a round.
        memory: "document" begins each with no rows; "suite" keeps them.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()

    def __init__(self, *, nodes: int = 5, memory: Memory = "document") -> None:
        self.nodes, self.memory = nodes, memory
        self._rows: dict[int, list[int]] = {}
        self._prompt_left = 0
        self._last = 0

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.nodes + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        if self.memory == "document":
            self._rows = {}
        self._last, self._prompt_left = int(prompt_1P[0, 0]), prompt_1P.shape[1]

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        tokens = tokens_R[:count].tolist()
        for before, token in zip([self._last, *tokens], tokens[: self._prompt_left], strict=False):
            others = [known for known in self._rows.get(before, ()) if known != token]
            self._rows[before] = [token, *others][:SUCCESSORS]
        self._prompt_left = max(0, self._prompt_left - count)
        self._last = tokens[-1]

    def propose(self) -> Tree:
        """See `Drafter`."""
        start: Known = (self._last, RANKS)
        return best_first(self._last, start, self._follow, nodes=self.nodes)

    def learn(self, tree: Tree, logits_NV: torch.Tensor) -> None:
        """See `LearningDrafter`."""
        successors = likeliest(logits_NV, SUCCESSORS).tolist()
        self._rows.update(zip(tree.tokens, successors, strict=True))  # in order, so that the last of a token stands

    def _follow(self, known: Known) -> list[tuple[int, float, Known]]:
        token, ranks = known
        successors = self._rows.get(token, ())
        return [(next_, rank, (next_, RANKS_BELOW)) for next_, rank in zip(successors, ranks, strict=False)]
