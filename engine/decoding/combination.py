"""Two drafters as one: the first where it is sure enough of what it proposes, else the second.

SAM decoding's rule (arXiv:2411.10666) with survival in place of its match length: a cheap drafter that finds its
candidates in the text goes first, a network is asked where that finds nothing. While the second is not asked, what was
committed is kept for it and handed over in one piece, so that it costs nothing.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.drafter import CoupledDrafter, Drafter, LearningDrafter, SeedsAhead, coupled
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, TreeTensors, host_of


class Combination:
    """See `Drafter`.

    Args:
        first: estimates survival, reads no hidden states.
        second: whatever there is.
        sure: survival of the first's likeliest candidate from which on its proposal is taken.

    Raises:
        ValueError: a first drafter that reads hidden states, or `sure` is no probability.
    """

    def __init__(self, first: Drafter, second: Drafter, *, sure: float) -> None:
        if first.taps:
            msg = (
                f"expected a first drafter that reads tokens only, got {type(first).__name__}, which reads hidden "
                "states; let it be the second"
            )
            raise ValueError(msg)
        if not 0.0 <= sure <= 1.0:
            msg = f"expected sure to be a probability, got {sure}; choose one between 0 and 1"
            raise ValueError(msg)
        self.first, self.second, self.sure = first, second, sure
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return (*self.first.networks, *self.second.networks)

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return max(self.first.max_nodes, self.second.max_nodes)

    @property
    def taps(self) -> Sequence[int]:
        """See `Drafter`: the second's."""
        return self.second.taps

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._kept.clear()
        self.first.begin(prompt_1P, capacity=capacity)
        self.second.begin(prompt_1P, capacity=capacity)

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self.first.observe(tokens_R, features_RH[:, :0], count)
        self._kept.append((tokens_R[:count], features_RH[:count]))

    def propose(self) -> Tree | TreeTensors:
        """See `Drafter`."""
        found = self.first.propose()
        tree = host_of(found)
        if len(tree) > 1 and tree.survival is not None and max(tree.survival[1:]) >= self.sure:
            return found
        if self._kept:
            tokens, features = zip(*self._kept, strict=True)
            rows = torch.cat(tokens)
            self.second.observe(rows, torch.cat(features), rows.shape[0])
            self._kept.clear()
        return self.second.propose()

    @property
    def coupled(self) -> bool:
        """See `CoupledDrafter`: whether one of the two does."""
        return coupled(self.first) or coupled(self.second)

    def couple(self, sampling: Sampling, seeds_ahead: SeedsAhead) -> None:
        """See `CoupledDrafter`; told to whom it concerns."""
        for drafter in (self.first, self.second):
            if isinstance(drafter, CoupledDrafter) and coupled(drafter):
                drafter.couple(sampling, seeds_ahead)

    def learn(self, tree: Tree, logits_NV: torch.Tensor) -> None:
        """See `LearningDrafter`; told to whom it concerns."""
        for drafter in (self.first, self.second):
            if isinstance(drafter, LearningDrafter):
                drafter.learn(tree, logits_NV)
