"""Drafters that draw their candidates, and do with them what is right only for candidates that are given.

Each draws from one law whatever the text is, so that only what becomes of the draws is in question. Who is honest and
who is not do the same but for one step.
"""

import torch

from offbook.engine.decoding.candidate_draws import some_of
from offbook.engine.decoding.tree import Tree
from tests.engine.tiny_drafters import Scripted


class Drawn(Scripted):
    """Draws two candidates, by torch's own numbers; names its law, or one of another temperature."""

    draws = True

    def __init__(self, vocabulary: int, named: float = 1.0) -> None:
        super().__init__(3)
        self.law_V = torch.randn(vocabulary, generator=torch.Generator().manual_seed(2)).mul(2).softmax(dim=-1)
        self.named_V = self.law_V if named == 1 else (self.law_V**named) / (self.law_V**named).sum()

    def draw_with(self, sampling, generator):
        self.generator = generator

    def propose(self) -> Tree:
        return self.tree(torch.multinomial(self.law_V, 2, generator=self.generator).tolist())

    def tree(self, tokens: list[int]) -> Tree:
        laws_NV = torch.zeros(1 + len(tokens), len(self.law_V))
        laws_NV[0] = self.named_V
        return Tree((self.text[-1], *tokens), (-1, *[0] * len(tokens)), drawn_from_NV=laws_NV)


class Seen(Drawn):
    """The same where one may look on."""

    def propose(self) -> Tree:
        return self.tree(self.chosen(some_of(self.law_V[None], 2, self.generator)[0].tolist()))

    def chosen(self, tokens: list[int]) -> list[int]:
        """Which of the draws are proposed, and in which order."""
        return tokens


class Rounded(Seen):
    """Draws from its law in another number format than it names."""

    def __init__(self, vocabulary: int, dtype: torch.dtype = torch.bfloat16) -> None:
        super().__init__(vocabulary)
        self.dtype = dtype

    def propose(self) -> Tree:
        return self.tree(some_of(self.law_V[None].to(self.dtype), 2, self.generator)[0].tolist())


class Reranked(Seen):
    """The likelier of its two draws comes first, as in a tree that is built by score."""

    def chosen(self, tokens: list[int]) -> list[int]:
        return sorted(tokens, key=lambda token: -self.law_V[token])


class KeepsTheLikelier(Reranked):
    """Of its two draws the likelier alone, for a budget of one."""

    def chosen(self, tokens: list[int]) -> list[int]:
        return super().chosen(tokens)[:1]


class StopsBeforeTheUnsure(Seen):
    """Proposes nothing where its first draw is unlikely: a length that hangs on the draw (a design note of vLLM)."""

    def chosen(self, tokens: list[int]) -> list[int]:
        return tokens if self.law_V[tokens[0]] > 0.01 else []


class StopsBehindTheUnsure(Seen):
    """Proposes an unlikely draw, and no other behind it: non-anticipating, and right (transformers' threshold)."""

    def chosen(self, tokens: list[int]) -> list[int]:
        return tokens if self.law_V[tokens[0]] > 0.01 else tokens[:1]


class Overfull(Seen):
    """Names a law whose mass is not one."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__(vocabulary)
        self.named_V = self.law_V * 1.01
