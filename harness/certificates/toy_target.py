"""A target small enough to write down: a few tokens, known logits behind every prefix, one candidate tree.

The sampling settings (temperature, top-k, top-p) are applied here a second time, in float64 numpy, so that an error in
the engine's own is seen as well.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.statistics.goodness_of_fit import cell_numbers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VOCABULARY = 8
TREE_TOKENS = [0, 5, 2, 1, 7, 3, 6, 0, 4, 1]  # node 0 is the root, the token committed before
TREE_PARENTS = [-1, 0, 0, 0, 1, 1, 2, 4, 4, 6]  # siblings at every level, three levels of candidates
LENGTH = 4  # three accepted tokens and the bonus


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How large a toy is, and its tree; `length` is one more than the tree is deep, for the bonus token."""

    vocabulary: int
    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    length: int

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each node, ascending."""
        return tuple(
            tuple(i for i, parent in enumerate(self.parents) if parent == node) for node in range(len(self.parents))
        )

    @cached_property
    def depths(self) -> Ints:
        """Of each node below the root."""
        depths = [0]
        for parent in self.parents[1:]:
            depths.append(depths[parent] + 1)
        return np.array(depths)

    def prefixes(self, tokens_BN: Ints) -> Ints:
        """The number of the text behind each node of trees with these tokens, (B, N)."""
        numbers = np.zeros_like(tokens_BN)
        for node, parent in enumerate(self.parents):
            if node:
                numbers[:, node] = numbers[:, parent] * self.vocabulary + tokens_BN[:, node]
        return numbers


WIDE = Shape(vocabulary=VOCABULARY, tokens=tuple(TREE_TOKENS), parents=tuple(TREE_PARENTS), length=LENGTH)
SMALL = Shape(vocabulary=4, tokens=(0, 2, 1, 3, 0, 1), parents=(-1, 0, 0, 1, 1, 2), length=3)  # for every branch
CHILD_LOGITS = (1.6, 0.8, 1.2)  # siblings unlike each other and all likely, or an error in their order would not show
OTHER_LOGIT = 1.8  # of one token outside the tree, so that rejections are as common as acceptances


class ToyTarget:
    """A target with fixed logits behind every prefix of up to length - 1 tokens, peaked as language is.

    Attributes:
        logits: by length of the prefix, (V^i, V).
        draft_logits: of a draft that knows half of it, likewise.
        logits_NV: the target's, behind each node of the tree.
        conditional: the target's laws at these settings.
        exact: probability of each of the V^length sequences, the first token the most significant digit.
    """

    def __init__(self, sampling: Sampling, shape: Shape = WIDE) -> None:
        self.shape, V = shape, shape.vocabulary
        rng = np.random.default_rng(20_250)
        self.logits = [2.0 * rng.standard_normal((V**i, V)) for i in range(shape.length)]
        prefixes = shape.prefixes(np.array([shape.tokens]))[0]
        for node in set(shape.parents[1:]):
            children = [shape.tokens[child] for child in shape.children[node]]
            row = self.logits[shape.depths[node]][prefixes[node]]
            row *= 0.25
            row[min(set(range(V)) - set(children))] = OTHER_LOGIT
            row[children] = CHILD_LOGITS[: len(children)]
        self.draft_logits = [0.5 * table + rng.standard_normal(table.shape) for table in self.logits]
        behind = zip(shape.depths, prefixes, strict=True)
        self.logits_NV = torch.from_numpy(np.stack([self.logits[d][p] for d, p in behind]))
        self.conditional = [warped(table, sampling) for table in self.logits]
        self.exact = np.ones(1)
        for table in self.conditional:
            self.exact = (self.exact[:, None] * table).ravel()

    def completed(self, committed: Ints, lengths: Ints, weights: Floats | None = None) -> Floats:
        """Mean distribution of whole sequences, (V^length,), where the target continues these beginnings.

        Args:
            committed: (N, length) token ids; only the first `lengths` of each row are read.
            lengths: (N,) from 1 to `length`.
            weights: (N,), of each beginning; by default all are alike.
        """
        V, p = self.shape.vocabulary, np.zeros(1)
        weights = np.full(len(committed), 1 / len(committed)) if weights is None else weights
        for i, table in enumerate(self.conditional, start=1):
            ended = cell_numbers(committed[lengths == i, :i], vocabulary=V)
            p = (p[:, None] * table).ravel() + np.bincount(ended, weights=weights[lengths == i], minlength=V**i)
        return p

    def continue_all(self, committed: Ints, lengths: Ints, rng: np.random.Generator) -> None:
        """Fills the rest of each sequence by drawing from the target, in place."""
        prefix = np.zeros(len(committed), dtype=np.int64)
        for i, table in enumerate(self.conditional):
            open_ = lengths <= i
            cumulative = table[prefix[open_]].cumsum(axis=1)
            u = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
            committed[open_, i] = (u >= cumulative).sum(axis=1)
            prefix = prefix * self.shape.vocabulary + committed[:, i]


def warped(logits_NV: Floats, sampling: Sampling) -> Floats:
    """Temperature, then top-k, then top-p, in float64 numpy: the twin of `Sampling.probabilities`."""
    logits = logits_NV / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        kth = np.sort(logits, axis=-1)[:, -sampling.top_k, None]
        logits = np.where(logits < kth, -np.inf, logits)
    p: Floats = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    order = np.argsort(-p, axis=-1, kind="stable")
    ordered = np.take_along_axis(p, order, axis=-1)
    ordered[(ordered.cumsum(axis=-1) - ordered) >= sampling.top_p] = 0.0
    np.put_along_axis(p, order, ordered, axis=-1)
    p /= p.sum(axis=-1, keepdims=True)
    return p
