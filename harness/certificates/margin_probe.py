"""How close two tokens were where two answers part: the target asked twice, in two shapes of forward.

Floating-point sums depend on the shape of a forward. Plain decoding computes a position alone, a speculative round
computes it among the nodes of a tree, transformers' own attention in yet another order. Where the top two logits are
closer than these differ, either token is the argmax, and the answers may part without a defect. Above temperature 0 the
same holds of the race that draws a token (`kernels.verify_tree`): its noise is that of the position's seed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import new_seeds
from offbook.kernels.verify_tree.race import uniform

WHEREVER = 0.0  # how far a value has moved, where two forwards have two winners
WIDEST_TIE = 1e-3  # logits; no float32 rounding is larger
# Ours: four steps of these formats between 16 and 32, where logits of large vocabularies lie.
WIDEST_TIES = {torch.float16: 2**-4, torch.bfloat16: 2**-1}
SIBLINGS = 15  # with the root, a tree of the default size


def widest_tie(backbone: Backbone) -> float:
    """How far two logits of a model are apart at most, where rounding may swap them."""
    return WIDEST_TIES.get(backbone.embedding_VH.dtype, WIDEST_TIE)


class TopTwo(NamedTuple):
    """The target's two likeliest next tokens, the margin between their logits, and how far other forwards move them.

    `widest` is the margin of a tie at most, by the number format: no forward excuses itself by being broken.
    """

    tokens: tuple[int, int]
    margin: float
    logit_difference: float
    widest: float = WIDEST_TIE


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
        self._widest = widest_tie(backbone)

    @torch.inference_mode()
    def __call__(self, tokens: list[int], position: int) -> TopTwo:
        """The target's top two behind `tokens`, by a forward of one token.

        Args:
            tokens: the prompt, then the answer that both sides agree on.
            position: how many of `tokens` are the answer's.
        """
        step_V, others = self._asked(tokens, position)
        return _top_two(step_V, others, self._widest)

    @torch.inference_mode()
    def race(self, tokens: list[int], position: int, sampling: Sampling, generator: torch.Generator) -> TopTwo:
        """The two tokens that came closest to being drawn behind `tokens`; margins of logarithms.

        Args:
            tokens: see `__call__`.
            position: likewise.
            sampling: settings of the draw.
            generator: as the decoder had it at the beginning of the document.
        """
        step_V, others = self._asked(tokens, position)
        seed = new_seeds(position + 1, generator)[-1:]
        noise_V = -np.log(-np.log(uniform(seed, np.arange(len(step_V)))[0]))

        def keys(logits_V: torch.Tensor) -> torch.Tensor:
            return sampling.probabilities(logits_V[None])[0].log() + torch.from_numpy(noise_V).to(logits_V)

        here_V, elsewhere = keys(step_V), [keys(other_V) for other_V in others]
        first = int(here_V.argmax())
        winner = next((w for other_V in elsewhere if (w := int(other_V.argmax())) != first), first)
        if winner == first:
            return _top_two(here_V, elsewhere, self._widest)
        return TopTwo(tokens=(first, winner), margin=0.0, logit_difference=WHEREVER)  # as a filter's bound moves

    def _asked(self, tokens: Sequence[int], position: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The target's logits (V,) behind the tokens by a forward of one token, and by other forwards, fp64."""
        step_V = self._stepwise(tokens, len(tokens) - position)
        others = [self._in_a_tree(tokens, step_V.topk(2).indices.tolist())]
        if self._native:
            others.append(self._by_transformers(tokens))
        return step_V, others

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


def _top_two(values_V: torch.Tensor, others: Sequence[torch.Tensor], widest: float) -> TopTwo:
    top = values_V.topk(2)
    first, second = top.indices.tolist()
    return TopTwo(
        tokens=(first, second),
        margin=float(top.values[0] - top.values[1]),
        logit_difference=max(float((other_V[top.indices] - top.values).abs().max()) for other_V in others),
        widest=widest,
    )
