"""An n-gram table: what the target said behind such tokens, in its answers to the training prompts and in this text.

Drafting by an n-gram model, as in ANPD (arXiv:2404.08698), with a tree. The table is counted once (`offbook
train-drafter ngram_table`) and frozen; the text so far is counted as it grows. A token's probability is that behind the
longest context c, seen N times with T different tokens behind it, which leaves a part to the next shorter one (Witten
and Bell, 1991, with a factor k):

    p(t | c) = (count(c t) + k T p(t | shorter c)) / (N + k T)

The text's own contexts, of any length, come before the table's, which are of three tokens at most: what this text says
again is likelier than what others say. Candidates form a tree, grown best first by the product of probabilities, which
is their survival: with k as measured, it is what is observed on prompts that the table does not know.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from offbook.engine.decoding.best_first import best_first
from offbook.engine.decoding.suffix_automaton import START, SuffixAutomaton
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.ngrams import CountedArchitecture, NgramCounts

ARCHITECTURE = CountedArchitecture(name="ngram_table", order=4)
# Both k: least surprise on the target's answers to training prompts that were left out of the table, six suites pooled.
TABLE_K = (3.0, 4.4, 2.5)  # behind 1, 2, 3 tokens
TEXT_K = (4.6, 1.45, 1.1, 0.8, 0.8, 0.47, 0.47, 0.47, *[0.19] * 7)  # behind 1, 2, ... tokens that occurred in the text
FURTHER = 0.06
RANKED = 8  # continuations of a context that are told apart
NEGLIGIBLE = 0.01  # share that no shorter context is asked for

Context = tuple[int, ...]
# The tokens before, the state of the text's automaton and how many tokens have matched, and a token that comes behind.
Known = tuple[Context, int, int, int | None]


class Table:
    """Frozen counts: of every context its likeliest continuations, shorter contexts mixed in."""

    def __init__(self, counts: Sequence[NgramCounts]) -> None:
        self._places: list[dict[Context, tuple[int, int]]] = [_places(of_order.ngrams_GN) for of_order in counts]
        self._last = [of_order.ngrams_GN[:, -1].tolist() for of_order in counts]
        self._counts = [of_order.counts_G.tolist() for of_order in counts]
        self._mixed: dict[Context, dict[int, float]] = {}

    @property
    def longest(self) -> int:
        """Tokens of the longest context."""
        return len(self._places) - 1

    def behind(self, context: Context) -> dict[int, float]:
        """The probabilities of what the longest known part of a context's end went on with."""
        while context not in self._places[len(context)]:
            if not context:  # nothing was counted at all
                return {}
            context = context[1:]
        if (known := self._mixed.get(context)) is None:
            known = self._mixed[context] = self._mix(context)
        return known

    def _mix(self, context: Context) -> dict[int, float]:
        n = len(context)
        start, end = self._places[n][context]
        shorter = self.behind(context[1:]) if context else {}
        left = TABLE_K[min(n, len(TABLE_K)) - 1] * (end - start) if context else 0.0
        of = sum(self._counts[n][start:end]) + left
        mixed = {token: probability * left / of for token, probability in shorter.items()}
        for place in range(start, min(end, start + RANKED)):
            token = self._last[n][place]
            mixed[token] = mixed.get(token, 0.0) + self._counts[n][place] / of
        return dict(sorted(mixed.items(), key=_rank)[:RANKED])


class NgramTable:
    """See `Drafter`.

    Args:
        table: frozen.
        nodes: most candidates of a round.
        least: survival that a candidate has to have.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()

    def __init__(self, table: Table, *, nodes: int = 15, least: float = 0.1) -> None:
        self.table, self.nodes, self.least = table, nodes, least
        self._text = SuffixAutomaton()
        self._context: Context = ()
        self._root = 0

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.nodes + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._text, self._context = SuffixAutomaton(), ()
        self._append(prompt_1P[0, :1].tolist())

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._append(tokens_R[:count].tolist())

    def propose(self) -> Tree:
        """See `Drafter`."""
        text = self._text
        state = text.link[text.whole]
        start: Known = (self._context, state, text.length[state], None)
        return best_first(self._root, start, self._follow, nodes=self.nodes, least=self.least)

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._text.append(token)
        self._context = (*self._context, *tokens)[-self.table.longest :]
        self._root = tokens[-1]

    def _follow(self, known: Known) -> list[tuple[int, float, Known]]:
        context, state, length = self._with_token(known)
        follow, link, count = self._text.follow, self._text.link, self._text.count
        probabilities: dict[int, float] = {}
        left, shorter, matched = 1.0, state, length
        while shorter > START and left > NEGLIGIBLE:  # from the longest context of the text on
            if following := follow[shorter]:
                k = TEXT_K[matched - 1] if matched <= len(TEXT_K) else FURTHER
                unseen = k * len(following)
                share = left / (sum([count[to] for to in following.values()]) + unseen)
                for token, to in following.items():
                    probabilities[token] = probabilities.get(token, 0.0) + share * count[to]
                left = share * unseen
            shorter = link[shorter]
            matched = self._text.length[shorter]
        for token, probability in self.table.behind(context).items():
            probabilities[token] = probabilities.get(token, 0.0) + left * probability
        best = sorted(probabilities.items(), key=_rank)[:RANKED]
        return [(token, probability, (context, state, length, token)) for token, probability in best]

    def _with_token(self, known: Known) -> tuple[Context, int, int]:
        """What is known behind the token; found when it is asked for, for most candidates have none below them."""
        context, state, length, token = known
        if token is None:
            return context, state, length
        follow = self._text.follow
        while state != START and token not in follow[state]:
            state = self._text.link[state]
            length = self._text.length[state]
        longer = (*context[len(context) + 1 - self.table.longest :], token)
        return (longer, follow[state][token], length + 1) if token in follow[state] else (longer, START, 0)


def _places(ngrams_GN: torch.Tensor) -> dict[Context, tuple[int, int]]:
    """Of each context, where its n-grams lie."""
    contexts = [tuple(context) for context in ngrams_GN[:, :-1].tolist()]
    starts = [place for place, context in enumerate(contexts) if place == 0 or context != contexts[place - 1]]
    return {contexts[start]: (start, end) for start, end in pairwise([*starts, len(contexts)])}


def _rank(item: tuple[int, float]) -> tuple[float, int]:
    return -item[1], item[0]
