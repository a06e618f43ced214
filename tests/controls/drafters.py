"""Drafters that cheat: the loop must stop them, count them, or be left unharmed by them."""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.feature_draft import FeatureDrafter
from offbook.engine.decoding.tree import Tree
from tests.engine.tiny_drafters import Oracle, Scripted


class OtherRoot(Scripted):
    """Slips in a token of its own: its trees hang from one the target never committed."""

    def propose(self) -> Tree:
        return Tree.chain([(self.text[-1] + 1) % 10, 3])


class TooLarge(Scripted):
    """Proposes one node more than it said."""

    def propose(self) -> Tree:
        return Tree.chain([self.text[-1]] * (self.max_nodes + 1))


class EverLarger(Scripted):
    """Says it proposes little, is given a cache for that, and then changes its mind."""

    def propose(self) -> Tree:
        self.max_nodes = 1_000
        return Tree((self.text[-1], *[3] * 400), (-1, *[0] * 400))


class Overworked:
    """Runs its network `extra` times more than it needs before each proposal (see `Drafter`)."""

    def __init__(self, drafter: FeatureDrafter, *, extra: int) -> None:
        self.drafter = drafter
        self.extra = extra
        self.networks: Sequence[nn.Module] = drafter.networks
        self.max_nodes = drafter.max_nodes
        self.taps = drafter.taps
        self.begin = drafter.begin
        self.observe = drafter.observe

    def propose(self) -> Tree:
        hidden = self.drafter.network.config.hidden_size
        row, here = torch.zeros(1, 1, hidden, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.long)
        for _ in range(self.extra):
            self.drafter.network(row, row, here, torch.ones(1, 1, 1, dtype=torch.bool))
        return self.drafter.propose()


class Vandal(Oracle):
    """Overwrites everything it is handed, after it has read it."""

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        super().begin(prompt_1P, capacity=capacity)
        prompt_1P.fill_(1)

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        super().observe(tokens_R, features_RH, count)
        tokens_R.fill_(1)
        features_RH.fill_(float("nan"))


class Asker(Scripted):
    """Knows the answer because it asks the target in secret."""

    def __init__(self, backbone: Backbone, *, depth: int) -> None:
        super().__init__(1 + depth)
        self.backbone = backbone
        self.depth = depth

    def propose(self) -> Tree:
        chain = self.text[-1:]
        for _ in range(self.depth):
            rows = torch.tensor([*self.text, *chain[1:]])
            cache = self.backbone.new_cache(rows.shape[0])
            chain.append(int(self.backbone.extend(rows, cache, logits_for=1).logits_NV[-1].argmax()))
        return Tree.chain(chain)
