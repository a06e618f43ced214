"""Speculative sampling (arXiv:2211.17192, arXiv:2302.01318): a smaller language model drafts a chain of gamma tokens.

    draft    x_k ~ q(. | text, x_1 .. x_{k-1}), k = 1 .. gamma; q is the draft model's law under the temperature and the
             filters of the target's own draws. At temperature 0 x_k is the draft model's argmax.
    verify   x_k stands with min(1, p(x_k) / q(x_k)), else max(0, p - q), normalised, is drawn from and the rest is
             dropped; where all stand a further token is drawn from p (`kernels/verify_tree/drawn.py`).

The draft model keeps rows of its own. A round feeds it what was committed and it has not read, then every candidate but
the last, behind which nobody asks for a law. So where only some candidates stand, the rows of the others are cut off;
and where all stand, the next round feeds two tokens, the last candidate and the token behind it.

Shapes: V vocabulary, N nodes, M rows of a step.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.candidate_draws import one_of
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.finite import NotFiniteError


class DraftSteps(nn.Module):
    """A draft model whose steps are calls of a module in every layout of its weights, so that they are counted."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self._backbone = backbone

    def forward(self, tokens_M: torch.Tensor, cache: TreeCache) -> torch.Tensor:
        """Logits (V,) behind the last of these tokens, whose rows are committed to the cache."""
        output = self._backbone.extend(tokens_M, cache, logits_for=1)
        cache.commit(tokens_M.shape[0])
        return output.logits_NV[-1]


class LanguageModelDrafter:
    """See `DrawingDrafter`.

    Args:
        backbone: the draft model, in the layout that it steps in.
        gamma: candidates of a round.
        vocab_size: rows of the target's head. The draft model may have more or fewer behind the tokens that both have;
            it draws none that the target lacks, and reads one that it lacks itself as its last.
    """

    draws = True
    taps: Sequence[int] = ()

    def __init__(self, backbone: Backbone, *, gamma: int, vocab_size: int) -> None:
        self.gamma = gamma
        self._backbone = backbone
        self._steps = DraftSteps(backbone)
        self._vocab_size = vocab_size
        self._last = backbone.embedding_VH.shape[0] - 1
        self._sampling: Sampling | None = None
        self._generator = torch.Generator()
        self._cache = backbone.new_cache(0)
        self._unread: list[int] = []  # committed tokens without a row
        self._ahead: list[int] = []  # candidates with a row, behind all committed ones

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return (self._steps,)

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return 1 + self.gamma

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`.

        Raises:
            ValueError: prompt and answer beyond the draft model's context.
        """
        if (longest := capacity - self.max_nodes) > self._backbone.context_length:
            msg = (
                f"expected prompt plus new tokens within the draft model's context of {self._backbone.context_length}, "
                f"got {longest}; lower max_new_tokens, or name another model with the option draft"
            )
            raise ValueError(msg)
        self._cache = self._backbone.new_cache(capacity)
        self._unread, self._ahead = [int(prompt_1P[0, 0])], []

    def draw_with(self, sampling: Sampling, generator: torch.Generator) -> None:
        """See `DrawingDrafter`."""
        self._sampling, self._generator = None if sampling.greedy else sampling, generator

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`; rows of candidates that do not stand are cut off."""
        tokens: list[int] = tokens_R[:count].tolist()
        stand = 0
        # The last token is fed in any case, for the law behind it.
        while stand < min(len(self._ahead), count - 1) and self._ahead[stand] == tokens[stand]:
            stand += 1
        self._cache.cut_back(self._cache.length - len(self._ahead) + stand)
        self._ahead = []
        self._unread += tokens[stand:]

    @torch.inference_mode()
    def propose(self) -> Tree:
        """See `Drafter`."""
        assert self._unread, "nothing has been observed since the last tree"
        tokens, laws = [self._unread[-1]], list[torch.Tensor]()
        logits_V = self._fed(self._unread)
        self._unread = []
        while True:
            token, law_V = self._candidate(logits_V)
            tokens.append(token)
            if law_V is not None:
                laws.append(law_V)
            if len(tokens) == self.max_nodes:
                break
            logits_V = self._fed([token])
            self._ahead.append(token)
        if not laws:
            return Tree.chain(tokens)
        drawn_from_NV = laws[0].new_zeros(len(tokens), self._vocab_size)
        for node, law_V in enumerate(laws):
            drawn_from_NV[node, : law_V.shape[0]] = law_V
        return Tree(tuple(tokens), tuple(range(-1, self.gamma)), drawn_from_NV=drawn_from_NV)

    def _fed(self, tokens: Sequence[int]) -> torch.Tensor:
        """Logits (V,) behind these tokens, of those that the target has."""
        read = [min(token, self._last) for token in tokens]
        logits_V: torch.Tensor = self._steps(torch.tensor(read, device=self._backbone.device), self._cache)
        return logits_V[: self._vocab_size]

    def _candidate(self, logits_V: torch.Tensor) -> tuple[int, torch.Tensor | None]:
        """The next one, and the law that it was drawn from; None where it was not drawn.

        Raises:
            NotFiniteError: there is no largest logit.
        """
        best = logits_V.argmax()
        if not logits_V[best].isfinite():  # NaN is the largest
            msg = "expected finite logits of the draft model, got NaN or infinity; choose another --dtype or draft"
            raise NotFiniteError(msg)
        if self._sampling is None:
            return int(best), None
        law_V = self._sampling.probabilities(logits_V)
        return one_of(law_V, self._generator), law_V
