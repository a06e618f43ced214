"""Medusa's tree (arXiv:2401.10774): one pass of all heads, and of what they guess the likeliest combinations.

The r-th guess of head i stands under every guess of head i - 1. The tree is grown from how often the r-th guess of each
head was right on held-out answers, always by the node with the largest product (section 2.3.3). Verification is exact;
Medusa's typical acceptance, which is not, is another contender.

Shapes: R rows, H hidden, Vd draft vocabulary, I heads, R ranks.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from offbook.baselines.decoding.medusa.network import RANKS
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.best_first import best_first
from offbook.engine.decoding.draft_head import DraftHead, Head
from offbook.engine.decoding.layouts.draft_products import lay_out
from offbook.engine.decoding.tree import Tree
from offbook.kernels.topk_logprobs import topk_of_logits


class MedusaDrafter:
    """See `Drafter`.

    Args:
        backbone: the target.
        network: the blocks.
        head: of the draft vocabulary.
        accuracy_IR: how often the r-th guess of each head is right; None to go by the heads' own probabilities.
        nodes: candidates of a tree.

    Raises:
        ValueError: heads of its own that are not of the draft vocabulary.
    """

    taps = (-1,)

    def __init__(
        self,
        backbone: Backbone,
        network: nn.Module,
        head: Head,
        *,
        accuracy_IR: Sequence[Sequence[float]] | None,
        nodes: int,
    ) -> None:
        self.network = network.eval()
        self.head = head
        self._own = [_own_head(weight_DH, head.token_ids) for weight_DH in getattr(network, "heads", ())]
        lay_out(network, backbone.layout)
        heads: Sequence[Head] = self._own or (head,)
        for used in heads:
            used.lay_out(backbone.layout)
        self._accuracy_IR = accuracy_IR
        self._nodes = nodes
        self._levels = len(getattr(network, "blocks", ()))
        self._root = 0
        self._feature_1H = torch.empty(0)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return (self.network,)

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return 1 + self._nodes

    @property
    def levels_by_pass(self) -> tuple[int, ...]:
        """See `StagedDrafter`: all heads at once."""
        return (self._levels,)

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._feature_1H = torch.empty(0)

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`; the last feature is all that counts."""
        self._root, self._feature_1H = int(tokens_R[count - 1]), features_RH[count - 1 : count]

    @torch.inference_mode()
    def propose(self) -> Tree:
        """See `Drafter`."""
        assert self._feature_1H.numel(), "nothing has been observed yet"
        states_IH = self.network(self._feature_1H)[:, 0]
        logprobs, ids = self._top(states_IH, min(RANKS, self.head.token_ids.shape[0]))
        tokens_IR, own_IR = ids.tolist(), logprobs.double().exp().tolist()
        chances_IR: Sequence[Sequence[float]] = own_IR if self._accuracy_IR is None else self._accuracy_IR

        def follow(depth: int) -> Iterable[tuple[int, float, int]]:
            if depth == len(tokens_IR):
                return ()
            return [(token, p, depth + 1) for token, p in zip(tokens_IR[depth], chances_IR[depth], strict=False)]

        return best_first(self._root, 0, follow, nodes=self._nodes)

    def _top(self, states_IH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities and ids (I, k) of what each head guesses best."""
        if not self._own:
            return self.head.top(states_IH, k)
        each_1D = [own.logits(state_H[None]) for own, state_H in zip(self._own, states_IH, strict=True)]
        logprobs, index = topk_of_logits(torch.cat(each_1D), k)
        return logprobs, self.head.token_ids[index]


def _own_head(weight_DH: torch.Tensor, token_ids: torch.Tensor) -> DraftHead:
    """A language-model head of one position over the draft vocabulary.

    Raises:
        ValueError: it has other rows.
    """
    if weight_DH.shape[0] != (rows := token_ids.shape[0]):
        msg = f"expected heads of {rows} rows, got {weight_DH.shape[0]}; import them anew"
        raise ValueError(msg)
    return DraftHead(weight_DH, token_ids)
