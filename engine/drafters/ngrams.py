"""Counted n-grams as a drafter has them in memory; `counted` says how they come from answers and from a checkpoint.

N-grams lie by the tokens before the last, those that share these by count, then id.

Shapes: G n-grams.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, kw_only=True)
class CountedArchitecture:
    """A drafter over counts.

    Attributes:
        name: the contender's name; written into checkpoints.
        order: tokens of the longest n-gram that is counted.
    """

    name: str
    order: int


@dataclass(frozen=True, kw_only=True)
class NgramCounts:
    """N-grams (G, n) of one length with their counts (G,), int32, in the order of the module."""

    ngrams_GN: torch.Tensor
    counts_G: torch.Tensor
