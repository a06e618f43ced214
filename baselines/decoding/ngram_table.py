"""An n-gram table: what the target said behind such tokens, in its answers to the training prompts and in this text.

Drafting by an n-gram model, as in ANPD (arXiv:2404.08698), with a tree. The table is counted once (`offbook
train-drafter ngram_table`) and frozen; the text so far is counted as it grows. A token's probability is that behind the
longest context c, seen N times with T different tokens behind it, which leaves a part to the next shorter one (Witten
and Bell, 1991, with a factor k):

    p(t | c) = (count(c t) + k T p(t | shorter c)) / (N + k T)

The text's own contexts, of any length, come before the table's, which are of three tokens at most: what this text says
again is likelier than what others say. Candidates form a tree, grown best first by the product of probabilities, which
is their survival: with k as measured, it is what is observed on prompts that the table does not know.

Above temperature 0 the next token is not the likeliest but the winner of a race whose noise can be known. `coupled`: a
token's probability is that to win the race (`engine.decoding.coupling`), the counts being what is believed of it.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from offbook.engine.decoding.best_first import Follow, best_first
from offbook.engine.decoding.coupling import chances
from offbook.engine.decoding.drafter import SeedsAhead
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.suffix_automaton import START, SuffixAutomaton
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.counted import CountedArchitecture, NgramCounts
from offbook.kernels.verify_tree import noise

ARCHITECTURE = CountedArchitecture(name="ngram_table", order=4)
# Both k: least surprise on the target's answers to training prompts that were left out of the table, six suites pooled.
TABLE_K = (3.0, 4.4, 2.5)  # behind 1, 2, 3 tokens
TEXT_K = (4.6, 1.45, 1.1, 0.8, 0.8, 0.47, 0.47, 0.47, *[0.19] * 7)  # behind 1, 2, ... tokens that occurred in the text
FURTHER = 0.06
RANKED = 8  # continuations of a context that are told apart
RACING = 64  # and in a race, which unlikely ones win as well
TRUST = 1.0  # see `engine.decoding.coupling`
NEGLIGIBLE = 0.01  # share that no shorter context is asked for

Context = tuple[int, ...]
# The tokens before, the state of the text's automaton and how many tokens have matched, a token that comes behind, and
# how far behind the root that is.
Known = tuple[Context, int, int, int | None, int]


class Table:
    """Frozen counts: of every context its likeliest continuations, shorter contexts mixed in."""

    def __init__(self, counts: Sequence[NgramCounts]) -> None:
        self._places: list[dict[Context, tuple[int, int]]] = [_places(of_order.ngrams_GN) for of_order in counts]
        self._last = [of_order.ngrams_GN[:, -1].tolist() for of_order in counts]
        self._counts = [of_order.counts_G.tolist() for of_order in counts]
        self._mixed: dict[tuple[Context, int], dict[int, float]] = {}

    @property
    def longest(self) -> int:
        """Tokens of the longest context."""
        return len(self._places) - 1

    def behind(self, context: Context, ranked: int = RANKED) -> dict[int, float]:
        """The probabilities of what the longest known part of a context's end went on with most often."""
        while context not in self._places[len(context)]:
            if not context:  # nothing was counted at all
                return {}
            context = context[1:]
        if (known := self._mixed.get((context, ranked))) is None:
            known = self._mixed[context, ranked] = self._mix(context, ranked)
        return known

    def _mix(self, context: Context, ranked: int) -> dict[int, float]:
        n = len(context)
        start, end = self._places[n][context]
        shorter = self.behind(context[1:], ranked) if context else {}
        left = TABLE_K[min(n, len(TABLE_K)) - 1] * (end - start) if context else 0.0
        of = sum(self._counts[n][start:end]) + left
        mixed = {token: probability * left / of for token, probability in shorter.items()}
        for place in range(start, min(end, start + ranked)):
            token = self._last[n][place]
            mixed[token] = mixed.get(token, 0.0) + self._counts[n][place] / of
        return dict(sorted(mixed.items(), key=_rank)[:ranked])


class NgramTable:
    """See `Drafter`.

    Args:
        table: frozen.
        nodes: most candidates of a round.
        least: survival that a candidate has to have.
        coupled: whether candidates take the noise of the target's draws into account, above temperature 0.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()

    def __init__(self, table: Table, *, nodes: int = 15, least: float = 0.1, coupled: bool = True) -> None:
        self.table, self.nodes, self.least, self.coupled = table, nodes, least, coupled
        self._seeds_ahead: SeedsAhead | None = None
        self._text = SuffixAutomaton()
        self._context: Context = ()
        self._root = 0

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.nodes + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._text, self._context, self._seeds_ahead = SuffixAutomaton(), (), None
        self._append(prompt_1P[0, :1].tolist())

    def couple(self, sampling: Sampling, seeds_ahead: SeedsAhead) -> None:
        """See `CoupledDrafter`."""
        self._seeds_ahead = seeds_ahead

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        self._append(tokens_R[:count].tolist())

    def propose(self) -> Tree:
        """See `Drafter`."""
        text = self._text
        state = text.link[text.whole]
        start: Known = (self._context, state, text.length[state], None, 0)
        follow: Follow[Known] = self._follow
        if self._seeds_ahead is not None:
            follow = partial(self._follow_race, self._seeds_ahead(self.nodes))
        return best_first(self._root, start, follow, nodes=self.nodes, least=self.least)

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._text.append(token)
        self._context = (*self._context, *tokens)[-self.table.longest :]
        self._root = tokens[-1]

    def _follow(self, known: Known) -> list[tuple[int, float, Known]]:
        place = self._place(known)
        best = sorted(self._law(*place, ranked=RANKED).items(), key=_rank)[:RANKED]
        return [(token, probability, (*place, token, known[-1] + 1)) for token, probability in best]

    def _follow_race(self, seeds_D: NDArray[np.uint64], known: Known) -> list[tuple[int, float, Known]]:
        place, depth = self._place(known), known[-1]
        law = self._law(*place, ranked=RACING)
        if not law or depth == len(seeds_D):
            return []
        tokens_K = np.fromiter(law, dtype=np.int64, count=len(law))
        q_K = np.fromiter(law.values(), dtype=np.float64, count=len(law))
        chance_K = chances(q_K, noise(seeds_D[depth : depth + 1], tokens_K)[0], trust=TRUST)
        best = sorted(zip(tokens_K.tolist(), chance_K.tolist(), strict=True), key=_rank)[:RANKED]
        return [(token, chance, (*place, token, depth + 1)) for token, chance in best]

    def _law(self, context: Context, state: int, length: int, *, ranked: int) -> dict[int, float]:
        """What is believed of the next token."""
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
        for token, probability in self.table.behind(context, ranked).items():
            probabilities[token] = probabilities.get(token, 0.0) + left * probability
        return probabilities

    def _place(self, known: Known) -> tuple[Context, int, int]:
        """What is known behind the token; found when it is asked for, for most candidates have none below them."""
        context, state, length, token, _ = known
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
