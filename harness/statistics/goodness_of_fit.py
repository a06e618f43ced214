"""Whether sequences of tokens were drawn from a distribution that is known exactly: total variation, and a p-value.

Of n draws from an unknown q, an estimate q^ is the mean of n distributions whose expectation is q: of points, where a
draw is a whole sequence, or of what may follow where it is only the beginning of one. TV is convex, so that
E TV(q^, p) >= TV(q, p) (Jensen), and a draw moves TV(q^, p) by 1/n at most, so that

    TV(q, p) <= TV(q^, p) + sqrt(log(1 / delta) / 2n)   with probability 1 - delta

(McDiarmid, On the method of bounded differences, 1989). Nothing is assumed of q and nothing is added for the number of
cells: sampling noise is in TV(q^, p) already, and only ever makes it larger.

The p-value is Pearson's over the frequencies of all prefixes of each length, Bonferroni over the lengths: the short
ones show what is lost among 8^L cells.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chisquare, poisson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOUND_LEVEL = 0.999  # 1 - delta
LEAST_EXPECTED = 5.0  # cells expected less often are pooled, by p and before looking


def total_variation(estimate: Floats, exact: Floats, *, n: int) -> tuple[float, float]:
    """TV between two distributions over the same cells, and its upper confidence bound.

    Args:
        estimate: mean of n distributions, one a draw.
        exact: what it is held against.
        n: draws.
    """
    tv = min(1.0, 0.5 * float(np.abs(estimate - exact).sum()))
    return tv, min(1.0, tv + float(np.sqrt(np.log(1 / (1 - BOUND_LEVEL)) / (2 * n))))


def goodness_of_fit(sequences_NL: Ints, exact: Floats, *, vocabulary: int) -> float:
    """P-value of the hypothesis that the sequences were drawn from `exact`; 0 where one of them is impossible.

    Args:
        sequences_NL: token ids.
        exact: probability of each of the V^L sequences, the first token the most significant digit.
        vocabulary: V.
    """
    length: int = sequences_NL.shape[1]
    cells = cell_numbers(sequences_NL, vocabulary=vocabulary)
    p_values = []
    for n in range(1, length + 1):
        counts = np.bincount(cells // vocabulary ** (length - n), minlength=vocabulary**n)
        p_values.append(_p_value(counts, exact.reshape(vocabulary**n, -1).sum(axis=1)))
    return min(1.0, length * min(p_values))


def cell_numbers(sequences_NL: Ints, *, vocabulary: int) -> Ints:
    """Place of each sequence among the V^L, the first token the most significant digit."""
    numbers: Ints = sequences_NL @ vocabulary ** np.arange(sequences_NL.shape[1] - 1, -1, -1)
    return numbers


def _p_value(counts: Ints, exact: Floats) -> float:
    """Pearson's over the large cells and the pool of small ones.

    A pool expected too seldom for that gets its own Poisson tail, since at low temperatures it is where a wrong
    contender shows.
    """
    n = int(counts.sum())
    large = exact * n >= LEAST_EXPECTED
    p = np.append(exact[large], exact[~large].sum())
    observed = np.append(counts[large], counts[~large].sum()).astype(np.float64)
    if counts[exact == 0].any():
        return 0.0
    if p[-1] * n >= LEAST_EXPECTED:
        return _chi_square(observed, p * n)
    return min(1.0, 2 * min(_chi_square(observed[:-1], p[:-1] * n), _poisson_tail(observed[-1], p[-1] * n)))


def _chi_square(observed: Floats, expected: Floats) -> float:
    """P-value of Pearson's statistic; 1 where there is nothing to compare."""
    if len(expected) < 2:
        return 1.0
    return float(chisquare(observed, expected * observed.sum() / expected.sum()).pvalue)


def _poisson_tail(observed: float, expected: float) -> float:
    """Probability of at least that many where `expected` are."""
    return float(poisson.sf(observed - 1, max(0.0, expected)))
