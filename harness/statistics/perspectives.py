"""Whether there is anything to select among perspectives, and whether a cost knows it.

A cost c of question n and perspective k, relative to its question's mean, is d = c - mean_k c. Its sum of squares
within questions splits into what a perspective is everywhere and the rest:

    Σ d²  =  N Σ_k (mean_n d)²  +  Σ (d - mean_n d)²

The first part alone is known to whoever trains on the best single perspective; a selector can win through the second
only, which holds question-by-perspective, and noise. Ours, on questions that have all perspectives.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from offbook.harness.statistics.intervals import Floats


class Split(NamedTuple):
    """Shares of a cost's variance within questions, nan where there is none, and the number of questions."""

    perspective: float
    question_by_perspective: float
    questions: int


class Spread(NamedTuple):
    """What perspectives differ by, and what the seeds of one do.

    Attributes:
        between: standard deviation of the perspectives' means.
        seeds: pooled standard deviation of the seeds of one perspective; nan where none has two.
        noise: standard deviation of such means by the seeds alone.
    """

    between: float
    seeds: float
    noise: float


def split(costs_NK: Floats) -> Split:
    """See the module; NaN where a path is missing."""
    whole_NK = costs_NK[~np.isnan(costs_NK).any(axis=1)]
    relative_NK = whole_NK - whole_NK.mean(axis=1, keepdims=True)
    total = float((relative_NK**2).sum())
    if not total > 0:
        return Split(math.nan, math.nan, len(whole_NK))
    of_perspective = len(whole_NK) * float((relative_NK.mean(axis=0) ** 2).sum()) / total
    return Split(of_perspective, 1 - of_perspective, len(whole_NK))


def spread(scores: list[list[float]]) -> Spread:
    """How far perspectives are apart.

    Args:
        scores: of every perspective, one a seed.
    """
    between = float(np.std([np.mean(seeds) for seeds in scores], ddof=1)) if len(scores) > 1 else math.nan
    several = [seeds for seeds in scores if len(seeds) > 1]
    df = sum(len(seeds) - 1 for seeds in several)
    if not df:
        return Spread(between, math.nan, math.nan)
    pooled = sum(float(np.var(seeds, ddof=1)) * (len(seeds) - 1) for seeds in several) / df
    each = float(np.mean([1 / len(seeds) for seeds in scores]))
    return Spread(between, math.sqrt(pooled), math.sqrt(pooled * each))


def rank_correlation(x: Floats, y: Floats) -> float:
    """Spearman's, ties sharing their mean rank; nan where one side does not vary."""
    a, b = (ranks - ranks.mean() for ranks in (rankdata(x), rankdata(y)))
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float(a @ b) / scale if scale > 0 else math.nan
