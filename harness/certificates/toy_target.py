"""A target small enough to write down: eight tokens, known logits behind every prefix, one candidate tree.

The sampling settings (temperature, top-k, top-p) are applied here a second time, in float64 numpy, so that an error in
the engine's own is seen as well.
"""

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
CHILD_LOGITS = (1.6, 0.8, 1.2)  # siblings unlike each other and all likely, or an error in their order would not show
OTHER_LOGIT = 1.8  # of one token outside the tree, so that rejections are as common as acceptances


class ToyTarget:
    """A target with fixed logits behind every prefix of up to LENGTH - 1 tokens, peaked as language is."""

    def __init__(self, sampling: Sampling) -> None:
        rng = np.random.default_rng(20_250)
        logits = [2.0 * rng.standard_normal((VOCABULARY**i, VOCABULARY)) for i in range(LENGTH)]
        prefixes = [0]
        depths = [0]
        for token, parent in zip(TREE_TOKENS[1:], TREE_PARENTS[1:], strict=True):
            prefixes.append(prefixes[parent] * VOCABULARY + token)
            depths.append(depths[parent] + 1)
        for node in set(TREE_PARENTS[1:]):
            children = [TREE_TOKENS[i] for i, parent in enumerate(TREE_PARENTS) if parent == node]
            row = logits[depths[node]][prefixes[node]]
            row *= 0.25
            row[min(set(range(VOCABULARY)) - set(children))] = OTHER_LOGIT
            row[children] = CHILD_LOGITS[: len(children)]
        self.logits_NV = torch.from_numpy(np.stack([logits[d][p] for d, p in zip(depths, prefixes, strict=True)]))
        self.conditional = [warped(table, sampling) for table in logits]
        self.exact = np.ones(1)
        for table in self.conditional:
            self.exact = (self.exact[:, None] * table).ravel()

    def completed(self, committed: Ints, lengths: Ints) -> Floats:
        """Mean distribution of whole sequences, (V^LENGTH,), where the target continues these beginnings.

        Args:
            committed: (N, LENGTH) token ids; only the first `lengths` of each row are read.
            lengths: (N,) from 1 to LENGTH.
        """
        p = np.zeros(1)
        for i, table in enumerate(self.conditional, start=1):
            ended = cell_numbers(committed[lengths == i, :i], vocabulary=VOCABULARY)
            p = (p[:, None] * table).ravel() + np.bincount(ended, minlength=VOCABULARY**i) / len(committed)
        return p

    def continue_all(self, committed: Ints, lengths: Ints, rng: np.random.Generator) -> None:
        """Fills the rest of each sequence by drawing from the target, in place."""
        prefix = np.zeros(len(committed), dtype=np.int64)
        for i, table in enumerate(self.conditional):
            open_ = lengths <= i
            cumulative = table[prefix[open_]].cumsum(axis=1)
            u = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
            committed[open_, i] = (u >= cumulative).sum(axis=1)
            prefix = prefix * VOCABULARY + committed[:, i]


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
