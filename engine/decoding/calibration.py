"""How likely a candidate is accepted once its parent is: what a drafter's own estimates turn out to be worth.

A candidate is judged wherever its parent is committed: it held if the next token is its own. That holds for candidates
that were cut away as well, so that what is counted does not hang on what was verified. Counts are kept by depth and

- by the drafter's estimate for the candidate given its parent, where it makes one;
- by rank among its siblings, where it makes none.

The path's survival is the product over its nodes (a_k = c_1 ... c_k).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

from offbook.engine.decoding.never_falling import never_falling
from offbook.engine.decoding.tree import Tree

DEPTHS = 4  # deeper candidates count with the last
RANKS = 6  # later siblings count with the last
EDGES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
GUESS = 2.0  # observations that a first guess counts for where a calibration is made
PRIOR = 8.0  # observations that a calibration counts for inside of a document


class Cell(NamedTuple):
    """Candidates that count as one kind; `place` is a bin of estimates or a rank."""

    by: Literal["estimate", "rank"]
    depth: int
    place: int


def cells(tree: Tree) -> list[Cell]:
    """The kind of every node below the root, in order."""
    ranks = {child: rank for siblings in tree.children for rank, child in enumerate(siblings)}
    found = []
    for node in range(1, len(tree)):
        depth = min(tree.depths[node], DEPTHS)
        if tree.survival is None:
            found.append(Cell("rank", depth, min(ranks[node], RANKS - 1)))
        else:
            above = tree.survival[tree.parents[node]]
            found.append(Cell("estimate", depth, bisect_right(EDGES, tree.survival[node] / above if above else 0.0)))
    return found


@dataclass
class Tally:
    """Of every kind of candidate, how many were judged and how many held."""

    judged: dict[Cell, int] = field(default_factory=dict)
    held: dict[Cell, int] = field(default_factory=dict)

    def add(self, tree: Tree, committed: Sequence[int], kinds: Sequence[Cell] | None = None) -> None:
        """Counts a proposal, cut or not, against the tokens that were committed behind its root.

        `kinds` are the tree's `cells`, where they are at hand.
        """
        node = 0
        if kinds is None:
            kinds = cells(tree)
        for token in committed:
            following = None
            for child in tree.children[node]:
                kind = kinds[child - 1]
                self.judged[kind] = self.judged.get(kind, 0) + 1
                if tree.tokens[child] == token:
                    self.held[kind] = self.held.get(kind, 0) + 1
                    following = child
            if following is None:
                return
            node = following


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Probabilities by depth (from 1) and, in each line, by bin of estimates or by rank.

    Each line rises with the estimate and falls with the rank.
    """

    by_estimate: tuple[tuple[float, ...], ...]
    by_rank: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, tally: Tally) -> "Calibration":
        """What was counted; where little was, estimates are taken at their word, and each rank gets half the last."""
        borders = (0.0, *EDGES, 1.0)
        words = [(low + high) / 2 for low, high in pairwise(borders)]
        halves = [0.5 ** (rank + 1) for rank in range(RANKS)]
        return cls(
            by_estimate=tuple(_line(tally, "estimate", depth, words, rising=True) for depth in range(1, DEPTHS + 1)),
            by_rank=tuple(_line(tally, "rank", depth, halves, rising=False) for depth in range(1, DEPTHS + 1)),
        )

    def survival(self, tree: Tree, seen: Tally, kinds: Sequence[Cell] | None = None) -> tuple[float, ...]:
        """Of each node, the probability that it and all above it are accepted; refined by what this document showed.

        The calibration counts as `PRIOR` observations of each kind (the mean of a Beta distribution). `kinds` are the
        tree's `cells`, where they are at hand.
        """
        chances: dict[Cell, float] = {}
        survival = [1.0]
        for node, kind in enumerate(cells(tree) if kinds is None else kinds, start=1):
            if kind not in chances:
                table = self.by_estimate if kind.by == "estimate" else self.by_rank
                before = table[kind.depth - 1][kind.place]
                chances[kind] = (PRIOR * before + seen.held.get(kind, 0)) / (PRIOR + seen.judged.get(kind, 0))
            survival.append(survival[tree.parents[node]] * chances[kind])
        return tuple(survival)


def _line(
    tally: Tally, by: Literal["estimate", "rank"], depth: int, guesses: Sequence[float], *, rising: bool
) -> tuple[float, ...]:
    kinds = [Cell(by, depth, place) for place in range(len(guesses))]
    weights = [GUESS + tally.judged.get(kind, 0) for kind in kinds]
    means = [
        (GUESS * guess + tally.held.get(kind, 0)) / weight
        for kind, guess, weight in zip(kinds, guesses, weights, strict=True)
    ]
    line = never_falling(means, weights) if rising else never_falling(means[::-1], weights[::-1])[::-1]
    return tuple(round(value, 5) for value in line)
