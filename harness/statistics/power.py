"""Which difference of two methods a few training seeds can show, from how far seeds of each are apart.

    unpaired   (t_(1 - α/2) + t_power) · s · √(2 / n)         t with 2n - 2 degrees of freedom
    paired     (t_(1 - α/2) + t_power) · d / √n               t with n - 1

s is the standard deviation of a score over the seeds of one method, n the seeds of each. A pair is a seed of both, with
the same order, draws and items; d is the standard deviation of the pairs' differences, d² = a² + b² - 2 ρ a b of the
two methods' own a and b and their correlation ρ. It is the difference that a two-sided test at α finds with the
probability `power`, before any correction for several comparisons.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri

from offbook.harness.statistics.crossed import ALPHA, POWER
from offbook.harness.statistics.intervals import student_quantile

UPPER = 0.8  # of experiments, a deviation is at most its upper end in so many


class Seeds(NamedTuple):
    """What pairs of seeds vary by.

    Attributes:
        pairs: how many there are.
        sd_a, sd_b: of each method's scores.
        correlation: of the scores of a pair; nan where one of the methods does not vary.
        sd_difference: of the pairs' differences.
    """

    pairs: int
    sd_a: float
    sd_b: float
    correlation: float
    sd_difference: float

    @property
    def sd(self) -> float:
        """Of one method, both taken together."""
        return math.sqrt((self.sd_a**2 + self.sd_b**2) / 2)

    @property
    def upper(self) -> float:
        """What the deviation of the differences is at most, in `UPPER` of experiments with so few pairs."""
        df = self.pairs - 1
        return self.sd_difference * math.sqrt(df / float(chdtri(df, UPPER)))


def seeds_of(a: Sequence[float], b: Sequence[float]) -> Seeds:
    """What the scores of two methods vary by, the same seed of both at the same place.

    Raises:
        ValueError: fewer than two pairs.
    """
    if len(a) != len(b) or len(a) < 2:
        msg = f"expected two pairs of seeds or more, got {len(a)} and {len(b)} scores; train both with more seeds"
        raise ValueError(msg)
    ours, theirs = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    sd_a, sd_b, apart = (float(values.std(ddof=1)) for values in (ours, theirs, ours - theirs))
    scale = 2 * sd_a * sd_b
    return Seeds(len(a), sd_a, sd_b, (sd_a**2 + sd_b**2 - apart**2) / scale if scale > 0 else math.nan, apart)


def detectable_unpaired(sd: float, n: int) -> float:
    """See the module; n is at least 2."""
    return _quantiles(2 * n - 2) * sd * math.sqrt(2 / n)


def detectable_paired(sd_difference: float, n: int) -> float:
    """See the module; n is at least 2."""
    return _quantiles(n - 1) * sd_difference / math.sqrt(n)


def pairs_for(sd_difference: float, goal: float, most: int) -> int | None:
    """The fewest pairs, up to `most`, that show a difference of `goal`; None where that many do not."""
    return next((n for n in range(2, most + 1) if detectable_paired(sd_difference, n) <= goal), None)


def _quantiles(df: int) -> float:
    return student_quantile(1 - ALPHA / 2, df) + student_quantile(POWER, df)
