"""A candidate tree: tokens and parents, and what follows from them (depths, mask, children, re-ranking).

Node 0 is the root: the token committed last, not yet in the target's cache. Parents come before children.
Shapes: N nodes including the root.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import index

import torch

from offbook.engine.finite import NotFiniteError
from offbook.engine.quoting import quoted


@dataclass(frozen=True)
class Tree:
    """Candidates of one round.

    `tokens[i]` is the token of node i, `parents[i]` its parent's index (the root's is -1). Siblings carry
    different tokens and are tried in index order.

    Raises:
        ValueError: no root, another number of parents than of tokens, a parent behind its child, or something else than
            whole numbers.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]

    def __post_init__(self) -> None:
        try:
            whole = len([*map(index, self.tokens)]) == len(self.parents) >= 1 and self.parents[0] == -1
            fits = whole and all(0 <= parent < i for i, parent in enumerate(self.parents) if i)
        except TypeError:  # of something else than whole numbers
            fits = False
        if not fits:
            raise ValueError(_refusal(self.tokens, self.parents))

    @classmethod
    def chain(cls, tokens: Sequence[int]) -> "Tree":
        """A root followed by one path.

        Raises:
            ValueError: no token at all, or something else than whole numbers.
        """
        if not isinstance(tokens, Sequence):
            msg = f"expected a list of token ids, the root first, got {quoted(tokens)}; write [root, next, ...]"
            raise ValueError(msg)
        return cls(tuple(tokens), tuple(range(-1, len(tokens) - 1)))

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Distance of each node from the root."""
        depths = [0]
        for parent in self.parents[1:]:
            depths.append(depths[parent] + 1)
        return tuple(depths)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Child indices of each node, ascending."""
        children: list[list[int]] = [[] for _ in self.tokens]
        for node, parent in enumerate(self.parents[1:], start=1):
            children[parent].append(node)
        return tuple(tuple(c) for c in children)

    def within(self, depth: int) -> "Tree":
        """The nodes of at most `depth` levels below the root; itself where there are no others."""
        if max(self.depths) <= depth:
            return self
        kept = [node for node in range(len(self)) if self.depths[node] <= depth]
        places = {-1: -1} | {node: place for place, node in enumerate(kept)}
        return Tree(tuple(self.tokens[n] for n in kept), tuple(places[self.parents[n]] for n in kept))

    def ancestor_mask(self) -> torch.Tensor:
        """(N, N) boolean: row i sees its ancestors and itself."""
        mask = torch.eye(len(self), dtype=torch.bool)
        for node, parent in enumerate(self.parents[1:], start=1):
            mask[node] |= mask[parent]
        return mask


def _refusal(tokens: object, parents: object) -> str:
    return (
        "expected a tree of token ids and of as many parents, the root's -1 and every other's the place of an earlier "
        f"node, got tokens {quoted(tokens)} and parents {quoted(parents)}; `Tree.chain(tokens)` makes one path"
    )


def rerank(*, scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, root: int, keep: int) -> Tree:
    """The best `keep` candidates of a pool as one connected tree (EAGLE-2, arXiv:2406.16858, section 4.2).

    Args:
        scores: (P,) cumulative log-probabilities, fp32; never larger than the parent's.
        tokens: (P,) token ids.
        parents: (P,) pool index of the parent, -1 for the root; parents precede children.
        root: the root's token.
        keep: candidates to keep (root not counted).

    Scores never increase along a path, and a stable sort resolves ties in favour of the lower pool index, that
    is of the parent; so whoever is kept has its parent kept.

    Raises:
        NotFiniteError: a score is NaN, so that there is no order.
    """
    ordered = torch.sort(scores, descending=True, stable=True)
    # NaN is sorted first; read together with the nodes, it costs a GPU no further wait.
    *kept, undefined = torch.cat([ordered.indices[:keep].sort().values, ordered.values[:1].isnan().long()]).tolist()
    if undefined:
        msg = (
            "expected finite scores of draft candidates, got NaN from the draft network; train the drafter anew, with "
            "a lower --learning-rate"
        )
        raise NotFiniteError(msg)
    places = {pool: node for node, pool in enumerate(kept, start=1)}
    pool_tokens, pool_parents = tokens.tolist(), parents.tolist()
    return Tree(
        (root, *(pool_tokens[p] for p in kept)),
        (-1, *(0 if pool_parents[p] < 0 else places[pool_parents[p]] for p in kept)),
    )
