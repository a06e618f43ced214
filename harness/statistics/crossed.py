"""What a few training seeds on a few hundred items allow to say: intervals, paired tests, smallest visible effects.

Scores are a matrix, an item a row and a training seed a column. Items and seeds are both samples: another test would
hold other items, another training would give another student. An interval over items alone is about these students,
not about their method, and averaging the seeds hides that. So the variance of a mean is that of crossed random effects,
items x seeds, as where a few readers judge many cases (Obuchowski and Rockette, Commun. Stat. 24:285, 1995): the items'
part, and what the seeds' means vary beyond what it explains,

    v_items = var_items(mean over seeds) / I        v_seeds = max(s^2 - MSE / I, 0) / S,    s: sd of the S seed means.

Each part is known as well as its own degrees of freedom allow, so the mean is off by sqrt(v_items) t + sqrt(v_seeds) t'
with independent Student's t (I - 1) and t' (S - 1): Fisher's answer to Behrens (Ann. Eugenics 6:391, 1935), a
generalised pivot (Weerahandi, JASA 88:899, 1993). Between two trained students the seeds' variances are pooled, as in a
two-sample t-test. With one seed v_seeds cannot be known and is left out; the tables say so.

Ours: not the two-way ("pigeonhole") bootstrap (Owen, Ann. Appl. Stat. 1:386, 2007). Three columns drawn from three
have two thirds of their variance, and percentiles know no t. `tests/harness/statistics/test_exam_statistics.py`
simulates 95 % intervals, and asserts in how many experiments they hold the truth. With three seeds of sd 0.3, beside 40
items of sd 0.4: the two-way bootstrap in less than 88 of 100
(`test_two_way_resampling_of_three_seeds_is_too_narrow`); over items alone less than 75
(`test_the_interval_covers_the_truth_in_95_of_100_experiments`, 5,000 experiments). These intervals,
whatever the seeds vary there: 93.1 to 96.9, which is 94 to 96 and three standard errors; for right and wrong answers
of three seeds the same (`test_the_interval_of_a_share_covers_it_in_95_of_100_experiments`).

Items that are alike, such as one story with other numbers, are no independent draws: `clusters.by_cluster` makes a
matrix of clusters out of one of items, with equal means and the variance of a ratio of cluster totals (Cochran,
Sampling Techniques, 1977, ch. 9), and everything else takes clusters for items.

Paired differences, clustered errors, and why a minimum detectable effect stands beside each: Miller, arXiv:2411.00640.
"""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import permutation_test

from offbook.harness.statistics.clusters import by_cluster
from offbook.harness.statistics.intervals import Floats, Interval, mean_interval, student_quantile, wilson

ALPHA = 0.05
POWER = 0.8
DRAWS = 20_000  # of Student's t
SIGN_PATTERNS = 20_000  # drawn where there are more than that, from 15 differing items on


class Estimate(NamedTuple):
    """A mean, and the two parts of its variance with the degrees of freedom each is known with.

    `v_items` is nan where the data give none: one item, or a difference that never varies.
    """

    mean: float
    v_items: float
    items_df: int
    v_seeds: float = 0.0
    seeds_df: int = 0

    @property
    def error(self) -> float:
        """Standard error; nan where unknown."""
        return math.sqrt(self.v_items + self.v_seeds)


def estimate(scores_IS: Floats, *, over_seeds: bool = True) -> Estimate:
    """The mean score; `over_seeds` as in `difference`."""
    return difference(scores_IS, np.zeros((len(scores_IS), 1)), over_seeds=over_seeds)


def difference(ours_IS: Floats, theirs_IT: Floats, *, over_seeds: bool = True) -> Estimate:
    """Mean of ours minus mean of theirs on the same items, each averaged over its seeds.

    Args:
        ours_IS: scores, items x seeds.
        theirs_IT: scores of the same items in the same order; one column for what has no seed.
        over_seeds: whether the seeds of both are samples too. Seeds of two students are independent of each other.

    Raises:
        ValueError: other items, or no score at all.
    """
    if len(ours_IS) != len(theirs_IT) or not ours_IS.size or not theirs_IT.size:
        msg = f"expected scores of the same items, got {ours_IS.shape} and {theirs_IT.shape}; align them by item"
        raise ValueError(msg)
    per_item = ours_IS.mean(axis=1) - theirs_IT.mean(axis=1)
    n, mean = len(per_item), float(per_item.mean())
    if n < 2:
        return Estimate(mean, math.nan, 0)
    v_items = float(per_item.var(ddof=1)) / n
    v_seeds, seeds_df = _of_seeds(ours_IS, theirs_IT) if over_seeds else (0.0, 0)
    if v_items + v_seeds < 1e-24:
        return Estimate(mean, math.nan, n - 1)
    return Estimate(mean, v_items, n - 1, v_seeds, seeds_df)


def accuracy_interval(
    scores_IS: Floats, clusters: Sequence[str] | None = None, *, level: float = 0.95
) -> Interval | None:
    """Interval of the mean score over clusters of items (None: each alone), and over seeds where there are several.

    One seed and no clusters: `intervals.mean_interval`, Wilson's for right and wrong. Else as derived above,
    for right and wrong on the scale of the log-odds, which keeps it inside (0, 1). Where every answer is right, or
    every one wrong, Wilson's interval with each cluster counted once, however many items and seeds it holds.
    """
    scores_CS = scores_IS if clusters is None else by_cluster(scores_IS, clusters)
    if scores_IS.shape[1] == 1 and len(scores_CS) == len(scores_IS):
        return mean_interval(scores_IS[:, 0].tolist(), level=level)
    found = estimate(scores_CS)
    shares = bool(np.isin(scores_IS, (0, 1)).all())
    if shares and float(scores_IS.mean()) in (0, 1):
        return wilson(round(float(scores_IS.mean())) * len(scores_CS), len(scores_CS), level=level)
    if not shares or math.isnan(found.error):
        return t_interval(found, level=level)
    slope = 1 / (found.mean * (1 - found.mean))
    half, odds = slope * _half_width(found, level), math.log(found.mean / (1 - found.mean))
    return Interval(1 / (1 + math.exp(half - odds)), 1 / (1 + math.exp(-half - odds)))


def t_interval(found: Estimate, *, level: float = 0.95, bound: float = math.inf) -> Interval | None:
    """The mean plus and minus what it may be off by; None where that is unknown.

    `bound`: largest distance from 0 that a mean can have, 1 for differences of shares; two seeds may ask for more.
    """
    if math.isnan(found.error):
        return None
    half = _half_width(found, level)
    return Interval(max(found.mean - half, -bound), min(found.mean + half, bound))


def t_test(found: Estimate) -> float:
    """Two-sided p-value of a true mean of 0 over other items and other seeds; 1 for a difference that never varies.

    At least 1 / 20,001, as it is counted among drawn values.
    """
    if math.isnan(found.error):
        return 1.0
    return (1 + int((_off_by(found) >= abs(found.mean)).sum())) / (1 + DRAWS)


def sign_flip_test(differences: Sequence[float], *, seed: int = 0) -> float:
    """Two-sided p-value of a paired permutation: on each item the two students might as well swap their scores.

    `differences` holds one entry an item, averaged over seeds, so the null is about these very students on such items;
    it says nothing about students of other seeds. All sign patterns up to 14 items that differ, else 20,000 drawn ones
    and the observed one (Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9:39, 2010: p is never 0).
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[np.abs(values) > 1e-12]
    if len(values) < 2:  # either sign is as far from 0
        return 1.0
    found = permutation_test(
        (values,),
        lambda flipped, axis: np.round(flipped.sum(axis=axis), 9),  # equal sums are equal however they are added up
        permutation_type="samples",
        vectorized=True,
        n_resamples=SIGN_PATTERNS,
        batch=1000,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several (Holm, Scand. J. Stat. 6:65, 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


def detectable(found: Estimate, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest true difference that a two-sided test at `alpha` finds with this probability (at least a half).

    It is the interval's half-width plus the quantile `power` of what the mean is off by; of items alone
    (t_(1 - alpha/2) + t_power) x standard error. Nan without a standard error. Not corrected for several comparisons.
    """
    if math.isnan(found.error):
        return math.nan
    return _half_width(found, 1 - alpha) + _half_width(found, 2 * power - 1)


def seed_sd(scores_IS: Floats) -> float:
    """Standard deviation of the seeds' mean scores; nan for one seed."""
    return float(scores_IS.mean(axis=0).std(ddof=1)) if scores_IS.shape[1] > 1 else math.nan


def _of_seeds(ours_IS: Floats, theirs_IT: Floats) -> tuple[float, int]:
    """What the seeds' means vary beyond what the items explain, and its degrees of freedom; (0, 0) without seeds."""
    several = [scores for scores in (ours_IS, theirs_IT) if scores.shape[1] > 1]
    df = sum(scores.shape[1] - 1 for scores in several)
    if not df:
        return 0.0, 0
    pooled = sum(float(((scores.mean(axis=0) - scores.mean()) ** 2).sum()) for scores in several) / df
    explained = sum(_residual(scores) / scores.size for scores in several)
    return max(pooled * sum(1 / scores.shape[1] for scores in several) - explained, 0.0), df


def _residual(scores_IS: Floats) -> float:
    """Mean square of what neither item nor seed explains."""
    items, seeds = scores_IS.shape
    rest = scores_IS - scores_IS.mean(axis=1, keepdims=True) - scores_IS.mean(axis=0) + scores_IS.mean()
    return float((rest**2).sum() / ((items - 1) * (seeds - 1)))


def _half_width(found: Estimate, level: float) -> float:
    if not found.v_seeds:
        return student_quantile(0.5 + level / 2, found.items_df) * found.error
    return float(np.quantile(_off_by(found), level))


def _off_by(found: Estimate) -> Floats:
    """Drawn distances between mean and truth."""
    off = math.sqrt(found.v_items) * _student(found.items_df, 0)
    return np.abs(off + math.sqrt(found.v_seeds) * _student(found.seeds_df, 1) if found.v_seeds else off)


@functools.lru_cache(maxsize=32)
def _student(df: int, stream: int) -> Floats:
    """The same draws of Student's t each time, so that tables are functions of their records."""
    return np.random.default_rng([stream, df]).standard_t(df, DRAWS)
