"""A candidate tree: tokens and parents, and what follows from them (depths, mask, children, re-ranking).

Node 0 is the root: the token committed last, not yet in the target's cache. Parents come before children. `Tree` is
what the host sees of it, `TreeTensors` what the device works with; each gives the other.

Shapes: N nodes including the root, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import index

import numpy as np
import torch

from offbook.engine.finite import draft_not_finite
from offbook.engine.quoting import quoted
from offbook.kernels.implementation import triton_runs
from offbook.kernels.rerank_tree import rerank_tree


@dataclass(frozen=True)
class Tree:
    """Candidates of one round.

    Attributes:
        tokens: of each node; siblings carry different ones and are tried in index order.
        parents: index of each node's parent, -1 for the root.
        survival: the drafter's estimate that a node is accepted together with all above it (the root's is 1); None from
            a drafter that makes none. It decides nothing but how many nodes are worth verifying.
        drawn_from_NV: the law that each node's children were *drawn* from, one after the other without replacement, as
            drawn, filters and all, fp32 or fp64; (N, T, V) where T laws took turns, the k-th child from law k mod T.
            None where candidates are a function of the text.

    Raises:
        ValueError: no root, another number of parents than of tokens, a parent behind its child, something else than
            whole numbers, an estimate that is no probability or larger than the parent's, or laws that are not one for
            each node and possible for its children.
    """

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    survival: tuple[float, ...] | None = None
    drawn_from_NV: torch.Tensor | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            whole = len([*map(index, self.tokens)]) == len(self.parents) >= 1 and self.parents[0] == -1
            fits = whole and all(0 <= parent < i for i, parent in enumerate(self.parents) if i)
        except TypeError:  # of something else than whole numbers
            fits = False
        if not fits:
            raise ValueError(_refusal(self.tokens, self.parents))
        if self.survival is not None and not _are_estimates(self.survival, self.parents):
            msg = (
                "expected an estimate of survival for each node, 1 for the root and none above its parent's,"
                f" got {quoted(self.survival)}; leave `survival` out"
            )
            raise ValueError(msg)
        if self.drawn_from_NV is not None and not _may_be_drawn(self.drawn_from_NV, self.tokens, self.parents):
            msg = (
                "expected a law (nodes, vocabulary), or laws (nodes, turns, vocabulary), under which every candidate "
                f"may be drawn behind its parent, got shape {tuple(self.drawn_from_NV.shape)} for {len(self.tokens)} "
                "nodes; give it as it was drawn from"
            )
            raise ValueError(msg)

    @classmethod
    def chain(cls, tokens: Sequence[int], survival: Sequence[float] | None = None) -> "Tree":
        """A root followed by one path.

        Raises:
            ValueError: no token at all, or something else than whole numbers.
        """
        if not isinstance(tokens, Sequence):
            msg = f"expected a list of token ids, the root first, got {quoted(tokens)}; write [root, next, ...]"
            raise ValueError(msg)
        return cls(tuple(tokens), tuple(range(-1, len(tokens) - 1)), None if survival is None else tuple(survival))

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
        return self.only([node for node in range(len(self)) if self.depths[node] <= depth])

    def only(self, nodes: Sequence[int]) -> "Tree":
        """These nodes, ascending, the root and every node's parent among them."""
        places = {-1: -1} | {node: place for place, node in enumerate(nodes)}
        return Tree(
            tuple(self.tokens[n] for n in nodes),
            tuple(places[self.parents[n]] for n in nodes),
            None if self.survival is None else tuple(self.survival[n] for n in nodes),
            None if self.drawn_from_NV is None else self.drawn_from_NV[list(nodes)],
        )

    def ancestor_mask(self) -> torch.Tensor:
        """(N, N) boolean: row i sees its ancestors and itself."""
        mask = np.eye(len(self), dtype=np.bool_)  # a row of torch's takes ten times as long
        for node, parent in enumerate(self.parents[1:], start=1):
            mask[node] |= mask[parent]
        return torch.from_numpy(mask)

    def tensors(self, device: torch.device | str = "cpu") -> "TreeTensors":
        """The same for the device."""
        tokens_N, parents_N, depths_N = torch.tensor((self.tokens, self.parents, self.depths), device=device)
        return TreeTensors(
            tokens_N=tokens_N,
            parents_N=parents_N,
            depths_N=depths_N,
            visible_NN=self.ancestor_mask().to(device),
            drawn_from_NV=None if self.drawn_from_NV is None else self.drawn_from_NV.to(device),
            host=self,
        )


@dataclass(frozen=True, kw_only=True)
class TreeTensors:
    """A candidate tree on the device.

    Attributes:
        tokens_N, parents_N, depths_N: int64, as in `Tree`.
        visible_NN: boolean; each row sees its ancestors and itself.
        drawn_from_NV: see `Tree`.
        host: what the host sees of it; read from the device where it was built there.
    """

    tokens_N: torch.Tensor
    parents_N: torch.Tensor
    depths_N: torch.Tensor
    visible_NN: torch.Tensor
    drawn_from_NV: torch.Tensor | None = None
    host: Tree


def host_of(proposal: Tree | TreeTensors) -> Tree:
    """What the host sees of a proposal, with the laws that it was drawn from."""
    if not isinstance(proposal, TreeTensors):
        return proposal
    if proposal.drawn_from_NV is None:
        return proposal.host
    return replace(proposal.host, drawn_from_NV=proposal.drawn_from_NV)


def _are_estimates(survival: Sequence[float], parents: Sequence[int]) -> bool:
    try:
        return (
            len(survival) == len(parents)
            and survival[0] == 1.0
            and all(0.0 <= survival[i] <= survival[parent] for i, parent in enumerate(parents) if i)
        )
    except TypeError:  # of something else than numbers
        return False


def _may_be_drawn(drawn_from_NV: torch.Tensor, tokens: Sequence[int], parents: Sequence[int]) -> bool:
    laws_NTV = drawn_from_NV[:, None] if drawn_from_NV.dim() == 2 else drawn_from_NV
    if laws_NTV.dim() != 3 or laws_NTV.shape[0] != len(tokens) or max(tokens) >= laws_NTV.shape[2]:
        return False
    turns = [parents[:node].count(parent) % laws_NTV.shape[1] for node, parent in enumerate(parents)]
    return bool((laws_NTV[list(parents[1:]), turns[1:], list(tokens[1:])] > 0).all())


def _refusal(tokens: object, parents: object) -> str:
    return (
        "expected a tree of token ids and of as many parents, the root's -1 and every other's the place of an earlier "
        f"node, got tokens {quoted(tokens)} and parents {quoted(parents)}; `Tree.chain(tokens)` makes one path"
    )


def rerank(*, scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, root: int, keep: int) -> Tree:
    """The best `keep` candidates of a pool as one connected tree (EAGLE-2, arXiv:2406.16858, section 4.2).

    Args:
        scores: (P,) cumulative log-probabilities, compared in fp32 as by kernels; never larger than the parent's.
        tokens: (P,) token ids.
        parents: (P,) pool index of the parent, -1 for the root; parents precede children.
        root: the root's token.
        keep: candidates to keep (root not counted).

    Scores never increase along a path, and a stable sort resolves ties in favour of the lower pool index, that
    is of the parent; so whoever is kept has its parent kept.

    Raises:
        NotFiniteError: a score is NaN, so that there is no order.
    """
    if triton_runs(scores):
        return _reranked(scores, tokens, parents, root, keep)
    ordered = torch.sort(scores.float(), descending=True, stable=True)
    # NaN is sorted first; read together with the nodes, it costs a GPU no further wait.
    *kept, undefined = torch.cat([ordered.indices[:keep].sort().values, ordered.values[:1].isnan().long()]).tolist()
    if undefined:
        raise draft_not_finite()
    places = {pool: node for node, pool in enumerate(kept, start=1)}
    pool_tokens, pool_parents, survival = tokens.tolist(), parents.tolist(), scores.double().exp().tolist()
    return Tree(
        (root, *(pool_tokens[p] for p in kept)),
        (-1, *(0 if pool_parents[p] < 0 else places[pool_parents[p]] for p in kept)),
        (1.0, *(min(1.0, survival[p]) for p in kept)),
    )


def _reranked(scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, root: int, keep: int) -> Tree:
    """See `rerank`; where the candidates lie, and read at once."""
    found = rerank_tree(scores, tokens, parents, tokens.new_full((), root), keep=keep)
    undefined, *told = found.told_M.tolist()
    if undefined:
        raise draft_not_finite()
    survival, N = found.scores_N.double().exp().tolist(), found.scores_N.shape[0]
    return Tree(tuple(told[:N]), tuple(told[N : 2 * N]), tuple(min(1.0, share) for share in survival))
