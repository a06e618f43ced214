"""Suffix decoding (arXiv:2411.04975): what followed the end of the text wherever it occurred before, by counts.

Every suffix of the text that occurred earlier is a place to go on from. From each a tree is grown best first, a path's
score being D, the product of its steps' probabilities; the candidates of the suffix with the largest sum of D are
proposed, those of the longer one where two are alike. As in the paper a suffix of m tokens proposes `factor` * m +
`offset` candidates at most, none with D below `least`. Ties are settled by count, then recency, then token id.

Ours: a step's probability is count / (N + k T), of N occurrences that went on with T different tokens, where the paper
has count / (N + 1). k falls with the length of what matched, as measured, so that D estimates survival.

`memory`: the paper's second tree, over answers to other prompts that this process has decoded. Off by default, since a
speed then hangs on what was decoded before; answers to the same prompt are left out of it.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import nn

from offbook.engine.decoding.best_first import best_first
from offbook.engine.decoding.suffix_automaton import START, SuffixAutomaton
from offbook.engine.decoding.tree import Tree

Memory = Literal["document", "suite"]
# k behind 1, 2, ... tokens that matched: the target's own answers to the training prompts, six suites pooled.
SURPRISE = (2.4, 0.8, 0.5, 0.5, 0.4, 0.34, 0.28, 0.2, 0.16, 0.12)
FURTHER = 0.06
Match = tuple[SuffixAutomaton, int, int]  # where, the state, and how many tokens have matched


class Suffix:
    """See `Drafter`.

    Args:
        nodes: most candidates of a round.
        factor: candidates for each token that matched.
        offset: and so many more.
        least: D that a candidate has to have.
        memory: "document" knows the prompt and its answer; "suite" also earlier answers to other prompts.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()

    def __init__(
        self,
        *,
        nodes: int = 7,
        factor: float = 2.0,
        offset: float = 0.0,
        least: float = 0.1,
        memory: Memory = "document",
    ) -> None:
        self.nodes, self.factor, self.offset, self.least, self.memory = nodes, factor, offset, least, memory
        self._text = SuffixAutomaton()
        self._root = 0
        self._answers = Answers()

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return self.nodes + 1

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        if self.memory == "suite":
            self._answers.begin(tuple(prompt_1P[0].tolist()))
        self._text = SuffixAutomaton()
        self._append(prompt_1P[0, :1].tolist())

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`."""
        tokens = tokens_R[:count].tolist()
        self._append(tokens)
        if self.memory == "suite":
            self._answers.append(tokens)

    def propose(self) -> Tree:
        """See `Drafter`."""
        trees = [self._grown(match) for match in self._matches()]
        bare = Tree((self._root,), (-1,), (1.0,))
        return max(trees, key=_score, default=bare)  # of several that are alike the first, which matched more

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._text.append(token)
        self._root = tokens[-1]

    def _matches(self) -> list[Match]:
        """Every suffix of the text that occurred before, longest first."""
        text = self._text
        found = [(text, state, text.length[state]) for state in _suffixes(text, text.link[text.whole])]
        if self.memory == "suite":
            found += self._answers.matches()
        return sorted(found, key=lambda match: -match[2])

    def _grown(self, match: Match) -> Tree:
        most = min(self.nodes, int(self.factor * match[2] + self.offset))
        return best_first(self._root, match, _follow, nodes=most, least=self.least)


class Answers:
    """What was answered to other prompts, and where in it the text of today would go on."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], list[int]] = {}  # prompt: answer
        self._counted: set[tuple[int, ...]] = set()
        self._automaton = SuffixAutomaton()
        self._answer: list[int] = []
        self._state, self._length = START, 0
        self._prompt_left = 0

    def begin(self, prompt: tuple[int, ...]) -> None:
        """A document begins: of all others the answers count."""
        others = self._known.keys() - {prompt}
        if self._counted - others:
            self._counted, self._automaton = set(), SuffixAutomaton()
        for other, answer in self._known.items():
            if other in others and other not in self._counted:
                self._automaton.separate()
                for token in answer:
                    self._automaton.append(token)
                self._counted.add(other)
        self._answer = self._known[prompt] = []
        self._state, self._length = START, 0
        self._prompt_left = len(prompt) - 1
        self._walk(prompt[0])

    def append(self, tokens: Sequence[int]) -> None:
        """The document goes on; the first tokens are those of its prompt."""
        for token in tokens:
            self._walk(token)
        self._answer += tokens[self._prompt_left :]
        self._prompt_left = max(0, self._prompt_left - len(tokens))

    def matches(self) -> list[Match]:
        """Every suffix of the text that occurs in an answer, longest first."""
        automaton, length = self._automaton, self._length
        return [(automaton, s, min(length, automaton.length[s])) for s in _suffixes(automaton, self._state)]

    def _walk(self, token: int) -> None:
        automaton = self._automaton
        while self._state != START and token not in automaton.follow[self._state]:
            self._state = automaton.link[self._state]
            self._length = automaton.length[self._state]
        if token in automaton.follow[self._state]:
            self._state = automaton.follow[self._state][token]
            self._length += 1


def _suffixes(automaton: SuffixAutomaton, state: int) -> Iterator[int]:
    while state > START:
        yield state
        state = automaton.link[state]


def _follow(match: Match) -> list[tuple[int, float, Match]]:
    automaton, state, length = match
    following = automaton.follow[state]
    if not following:
        return []
    count, recent = automaton.count, automaton.recent
    ranked = sorted(following.items(), key=lambda item: (-count[item[1]], -recent[item[1]], item[0]))
    surprise = SURPRISE[length - 1] if length <= len(SURPRISE) else FURTHER
    of = sum(count[to] for to in following.values()) + surprise * len(following)
    return [(token, count[to] / of, (automaton, to, length + 1)) for token, to in ranked]


def _score(tree: Tree) -> float:
    assert tree.survival is not None
    return sum(tree.survival)
