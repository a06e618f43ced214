"""Prompt lookup: find the last few tokens earlier in the text and propose what followed them.

Needs no model (github.com/apoorvumang/prompt-lookup-decoding): the longest n-gram of at most `max_ngram`
tokens that ends the text is sought in it; what followed its *first* earlier occurrence is the candidate
chain. Unlike the original, a shorter continuation than `num_tokens` is proposed too, as transformers does.

Ours: an estimate of each candidate's survival, from how many tokens in a row are alike up to it; a longer likeness than
`max_ngram` is counted too, though it chooses nothing.
"""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

import torch
from torch import nn

from offbook.engine.decoding.tree import Tree

# How often the target goes on as the earlier text did, behind 1, 2, ... tokens that are alike: its own answers to the
# training prompts, six suites pooled.
GOES_ON = (0.19, 0.55, 0.63, 0.66, 0.72, 0.76, 0.79, 0.84, 0.86, 0.89, 0.92)
FURTHER = 0.95


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
        self._first: dict[tuple[int, ...], int] = {}  # of each n-gram, where its first occurrence ends

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.num_tokens + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._text, self._first = [], {}
        self._append(prompt_1P[0, :1].tolist())

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._append(tokens_R[:count].tolist())

    def propose(self) -> Tree:
        """See `Drafter`."""
        text = self._text
        for n in range(min(self.max_ngram, len(text) - 1), 0, -1):
            end = self._first[tuple(text[-n:])]
            if end < len(text):
                chain = text[end : end + self.num_tokens]
                return Tree.chain([text[-1], *chain], _survival(self._alike(end, n), len(chain)))
        return Tree.chain(text[-1:], [1.0])

    def _append(self, tokens: Sequence[int]) -> None:
        text = self._text
        for token in tokens:
            text.append(token)
            for n in range(1, min(self.max_ngram, len(text)) + 1):
                self._first.setdefault(tuple(text[-n:]), len(text))

    def _alike(self, end: int, n: int) -> int:
        """How many tokens before `end` are those that end the text; at least `n`, and no more than are told apart."""
        text = self._text
        while n <= len(GOES_ON) and n < end and text[end - n - 1] == text[-n - 1]:
            n += 1
        return n


def _survival(alike: int, length: int) -> list[float]:
    steps = [GOES_ON[n - 1] if n <= len(GOES_ON) else FURTHER for n in range(alike, alike + length)]
    return list(accumulate(steps, mul, initial=1.0))
