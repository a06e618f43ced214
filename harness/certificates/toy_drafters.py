"""Drafters for the toy model of eight tokens, so that the loop itself can be tested for whoever's trained drafter.

What they propose is often right and often wrong, at both depths that an answer of the model has room for and among
siblings.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import nn

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.harness.certificates.toy_model import PROMPT, VOCABULARY, toy_model

SHAPE = ((0, 2), (1, 2), (2, 1))  # behind which node how many candidates


class _Trees:
    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()
    max_nodes = 1 + sum(count for _, count in SHAPE)

    def __init__(self) -> None:
        self._root = 0
        self.laws_VV = _laws()

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._root = int(tokens_R[count - 1])


@cache
@torch.inference_mode()
def _laws() -> torch.Tensor:
    """A law behind every token, (V, V): half the model's own behind its prompt and that token, half of nobody's."""
    backbone = toy_model().backbone
    texts_VT = torch.tensor([[*PROMPT, token] for token in range(VOCABULARY)])
    backbone.use_native_attention()
    try:
        own_VV = backbone.model(texts_VT, logits_to_keep=1).logits[:, -1].softmax(dim=-1)
    finally:
        backbone.use_tree_attention()
    others_VV = torch.randn(VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(1)).softmax(dim=-1)
    laws_VV: torch.Tensor = ((own_VV + others_VV) / 2).float()
    return laws_VV


class GivenTrees(_Trees):
    """The likeliest under its laws."""

    def propose(self) -> Tree:
        """See `Drafter`."""
        tokens, parents = [self._root], [-1]
        for node, count in SHAPE:
            tokens += self.laws_VV[tokens[node]].topk(count).indices.tolist()
            parents += [node] * count
        return Tree(tuple(tokens), tuple(parents))


class DrawnTrees(_Trees):
    """Drawn from its laws without replacement."""

    draws = True

    def __init__(self) -> None:
        super().__init__()
        self._generator = torch.Generator()

    def draw_with(self, sampling: Sampling, generator: torch.Generator) -> None:
        """See `DrawingDrafter`."""
        self._generator = generator

    def propose(self) -> Tree:
        """See `Drafter`."""
        tokens, parents = [self._root], [-1]
        for node, count in SHAPE:
            tokens += torch.multinomial(self.laws_VV[tokens[node]], count, generator=self._generator).tolist()
            parents += [node] * count
        return Tree(tuple(tokens), tuple(parents), drawn_from_NV=self.laws_VV[tokens])
