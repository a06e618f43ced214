"""Prompt lookup: find the last few tokens earlier in the text and propose what followed them.

Needs no model (github.com/apoorvumang/prompt-lookup-decoding): the longest n-gram of at most `max_ngram`
tokens that ends the text is sought in it; what followed its *first* earlier occurrence is the candidate
chain. Unlike the original, a shorter continuation than `num_tokens` is proposed too, as transformers does.
"""

from collections.abc import Sequence

import torch
from torch import nn

from offbook.engine.decoding.tree import Tree


class PromptLookup:
    """See `Drafter`.

    Args:
        max_ngram: longest suffix to look for; shorter ones are tried after it.
        num_tokens: longest chain to propose.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()

    def __init__(self, *, max_ngram: int = 3, num_tokens: int = 10) -> None:
        if max_ngram < 1 or num_tokens < 1:
            msg = f"expected max_ngram and num_tokens of at least 1, got {max_ngram} and {num_tokens}; raise them"
            raise ValueError(msg)
        self.max_ngram = max_ngram
        self.num_tokens = num_tokens
        self._text: list[int] = []

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.num_tokens + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._text = prompt_1P[0, :1].tolist()

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._text += tokens_R[:count].tolist()

    def propose(self) -> Tree:
        """See `Drafter`."""
        return Tree.chain([self._text[-1], *self._continuation()])

    def _continuation(self) -> list[int]:
        text = self._text
        for n in range(min(self.max_ngram, len(text) - 1), 0, -1):
            suffix = text[-n:]
            for start in range(len(text) - n):
                if text[start : start + n] == suffix:
                    return text[start + n : start + n + self.num_tokens]
        return []
