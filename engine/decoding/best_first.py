"""A candidate tree grown best first: always the candidate that is likeliest to be accepted with all above it."""

import heapq
from collections.abc import Callable, Iterable
from typing import TypeVar

from offbook.engine.decoding.tree import Tree

State = TypeVar("State")
Follow = Callable[[State], Iterable[tuple[int, float, State]]]


def best_first(root: int, start: State, follow: Follow[State], *, nodes: int, least: float = 0.0) -> Tree:
    """The likeliest `nodes` candidates below a root; fewer where there are no more.

    Args:
        root: the root's token.
        start: what `follow` knows the root by.
        follow: of a node, the tokens that may come next, each once, with the probability that it does and what `follow`
            will know it by. Equally likely ones are taken in the order given.
        nodes: most candidates, the root not counted.
        least: a candidate that is less likely than this to be accepted with all above it is left out.
    """
    tokens, parents, survival = [root], [-1], [1.0]
    # Heaps are sorted by what a tuple begins with: survival, then the order in which candidates were found.
    heap: list[tuple[float, int, int, int, State]] = []
    found, state, above = 0, start, 1.0
    while len(tokens) <= nodes:
        for token, probability, known in follow(state):
            reached = above * probability
            if reached >= least and reached > 0.0:
                heapq.heappush(heap, (-reached, found, len(tokens) - 1, token, known))
                found += 1
        if not heap:
            break
        negative, _, parent, token, state = heapq.heappop(heap)
        above = -negative
        tokens.append(token)
        parents.append(parent)
        survival.append(above)
    return Tree(tuple(tokens), tuple(parents), tuple(survival))
