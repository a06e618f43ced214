"""How close two tokens were where two greedy answers part: the target asked twice, in two shapes of forward.

Floating-point sums depend on the shape of a forward. Plain decoding computes a position alone, a speculative round
computes it among the nodes of a tree, transformers' own attention in yet another order. Where the top two logits are
closer than these differ, either token is the argmax, and the answers may part without a defect.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.tree import Tree

SIBLINGS = 15  # with the root, a tree of the default size


class TopTwo(NamedTuple):
    """The target's two likeliest next tokens, the margin between their logits, and how far other forwards move them."""

    tokens: tuple[int, int]
    margin: float
    logit_difference: float


class Probe:
    """See `harness.certificates.sampling.MarginProbe`.

    Args:
        backbone: the target.
        native: whether the contender decodes with the attention transformers chose; a contender in our loop never does,
            so how far that forward is from ours excuses nothing there.
    """

    def __init__(self, backbone: Backbone, *, native: bool) -> None:
        self._backbone = backbone
        self._native = native

    @torch.inference_mode()
    def __call__(self, tokens: list[int], position: int) -> TopTwo:
        """The target's top two behind `tokens`, by a forward of one token.

        Args:
            tokens: the prompt, then the answer that both sides agree on.
            position: how many of `tokens` are the answer's.
        """
        step_V = self._stepwise(tokens, len(tokens) - position)
        top = step_V.topk(2)
        first, second = top.indices.tolist()
        others = [self._in_a_tree(tokens, (first, second))]
        if self._native:
            others.append(self._by_transformers(tokens))
        return TopTwo(
            tokens=(first, second),
            margin=float(top.values[0] - top.values[1]),
            logit_difference=max(float((other[top.indices] - top.values).abs().max()) for other in others),
        )

    def _stepwise(self, tokens: Sequence[int], prompt: int) -> torch.Tensor:
        """As plain decoding does it: the prompt in one block, then token by token."""
        self._backbone.use_tree_attention()
        cache = self._backbone.new_cache(len(tokens))
        output = self._backbone.extend(self._rows(tokens[:prompt]), cache, logits_for=1)
        cache.commit(prompt)
        for token in tokens[prompt:]:
            output = self._backbone.extend(self._rows([token]), cache, logits_for=1)
            cache.commit(1)
        return output.logits_NV[-1].double()

    def _in_a_tree(self, tokens: Sequence[int], likely: Sequence[int]) -> torch.Tensor:
        """As a speculative round does it: the last token is the root of a tree of candidates."""
        self._backbone.use_tree_attention()
        others = [*likely, *(t for t in range(SIBLINGS + len(likely)) if t not in likely)][:SIBLINGS]
        tree = Tree((tokens[-1], *others), (-1, *([0] * len(others))))
        cache = self._backbone.new_cache(len(tokens) + len(others))
        if len(tokens) > 1:
            self._backbone.extend(self._rows(tokens[:-1]), cache, logits_for=1)
            cache.commit(len(tokens) - 1)
        rows = tree.tensors(self._backbone.device)
        output = self._backbone.step(rows.tokens_N, cache.length + rows.depths_N, rows.visible_NN, cache)
        return output.logits_NV[0].double()

    def _by_transformers(self, tokens: Sequence[int]) -> torch.Tensor:
        """As transformers does it by itself: its own attention, everything in one block."""
        self._backbone.use_native_attention()
        try:
            logits_1NV: torch.Tensor = self._backbone.model(input_ids=self._rows(tokens)[None], logits_to_keep=1).logits
            return logits_1NV[0, -1].double()
        finally:
            self._backbone.use_tree_attention()

    def _rows(self, tokens: Sequence[int]) -> torch.Tensor:
        return torch.tensor(list(tokens), device=self._backbone.device)
