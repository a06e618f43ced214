"""Intervals: exact where that can be had, covering what they claim in simulation, never empty."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.harness.statistics.intervals import (
    bootstrap_difference,
    bootstrap_ratio,
    bootstrap_speedup,
    mean_interval,
    student_quantile,
    wilson,
)

EXPERIMENTS = 5000
# 94 to 96 %, and three standard errors of 5,000 experiments.
COVERS = pytest.approx(0.95, abs=0.01 + 3 * 0.0031)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 30, 99, 500])
@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.995])
def test_student_quantiles_have_the_mass_below_them_that_was_asked_for(df: int, probability: float) -> None:
    """Against the density itself, integrated: t = tan(u) sqrt(df) leaves cos(u)^(df - 1)."""
    u = np.linspace(0, math.atan(student_quantile(probability, df) / math.sqrt(df)), 20_001)
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)
    mass = 0.5 + scale * float(np.trapezoid(np.cos(u) ** (df - 1), u))
    assert mass == pytest.approx(probability, abs=1e-7)


@given(n=st.integers(1, 200), data=st.data())
def test_the_ends_of_wilsons_interval_are_shares_that_the_score_test_just_keeps(n: int, data: Any) -> None:
    successes = data.draw(st.integers(0, n))
    interval = wilson(successes, n)
    for end in interval:
        if 0 < end < 1:
            assert abs(successes / n - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(1.959964, rel=1e-5)
    assert interval.low <= successes / n <= interval.high


@pytest.mark.parametrize("n", [1, 5, 100])
def test_a_share_of_nothing_or_all_still_has_an_interval(n: int) -> None:
    low, high = wilson(0, n)
    assert low == 0
    assert high > 0.03
    assert wilson(n, n) == pytest.approx((1 - high, 1.0))


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_shares_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= n"):
        wilson(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_levels_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_ratio([1, 2, 3], [1, 1, 1], level=level)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry a prompt"):
        bootstrap_ratio([1, 2], [1])


@pytest.mark.parametrize(
    ("numerators", "denominators"),
    [([], []), ([3.0], [2.0]), ([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]), ([0.1] * 7, [0.3] * 7), ([0.0, 0.0], [0.0, 0.0])],
    ids=["nothing", "one prompt", "one ratio", "equal prompts", "no rounds"],
)
def test_where_there_is_no_spread_there_is_no_interval(numerators: list[float], denominators: list[float]) -> None:
    assert bootstrap_ratio(numerators, denominators) is None
    assert bootstrap_speedup(numerators, denominators, numerators, denominators) is None


@pytest.mark.parametrize("scores", [[], [0.4], [0.4, 0.4, 0.4]])
def test_equal_graded_scores_have_no_interval(scores: list[float]) -> None:
    assert mean_interval(scores) is None


def test_right_or_wrong_scores_get_wilson() -> None:
    assert mean_interval([1.0, 0.0, 1.0]) == wilson(2, 3)
    assert mean_interval([1.0]) == wilson(1, 1)


def test_graded_scores_get_student() -> None:
    # mean 0.5, standard deviation 0.1, t(0.975, 2) = 4.302653
    assert mean_interval([0.4, 0.5, 0.6]) == pytest.approx(
        (0.5 - 4.302653 * 0.1 / math.sqrt(3), 0.5 + 4.302653 * 0.1 / math.sqrt(3)), rel=1e-6
    )


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(10, 60, 40).tolist(), rng.uniform(10, 30, 40).tolist()
    first = bootstrap_ratio(x, y)
    assert first == bootstrap_ratio(x, y)
    other = bootstrap_ratio(x, y, seed=1)
    assert other != first
    assert other == pytest.approx(first, rel=0.03)


def test_a_wider_level_contains_a_narrower_one() -> None:
    x, y = [3.0, 9.0, 4.0, 7.0, 5.0], [2.0, 3.0, 3.0, 2.0, 4.0]
    narrow, wide = bootstrap_ratio(x, y, level=0.5), bootstrap_ratio(x, y, level=0.99)
    assert narrow is not None
    assert wide is not None
    assert wide.low < narrow.low < sum(x) / sum(y) < narrow.high < wide.high


@given(scale=st.floats(0.01, 100))
def test_the_unit_of_time_does_not_matter(scale: float) -> None:
    x, y = [3.0, 9.0, 4.0, 7.0], [2.0, 3.0, 3.0, 2.0]
    interval = bootstrap_ratio(x, y)
    scaled = bootstrap_ratio(x, [scale * value for value in y])
    assert interval is not None
    assert scaled == pytest.approx((interval.low / scale, interval.high / scale))


def test_what_slows_a_prompt_for_both_sides_cancels_in_the_speedup() -> None:
    rng = np.random.default_rng(0)
    tokens, slow = rng.uniform(10, 60, 20), rng.uniform(1, 9, 20)
    noise = rng.uniform(0.99, 1.01, 20)
    paired = bootstrap_speedup(tokens.tolist(), (slow * noise / 2).tolist(), tokens.tolist(), slow.tolist())
    alone = bootstrap_ratio(tokens.tolist(), slow.tolist())
    assert paired is not None
    assert alone is not None
    assert paired.low < 2 < paired.high
    assert (paired.high - paired.low) / 2 < 0.02
    assert (alone.high - alone.low) / (tokens.sum() / slow.sum()) > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 12, 40])
def test_the_interval_of_a_ratio_covers_the_truth_in_95_of_100_experiments(n: int) -> None:
    """Rounds of one prompt go together: each prompt has its own acceptance, 3 tokens a round on average."""
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(EXPERIMENTS):
        rounds = rng.integers(10, 60, n)
        tokens = rng.poisson(rounds * (1 + 4 * rng.beta(4, 4, n)))
        interval = bootstrap_ratio(tokens.tolist(), rounds.tolist(), n_boot=1000)
        assert interval is not None
        hits += interval.low <= 3 <= interval.high
    assert hits / EXPERIMENTS == COVERS


@pytest.mark.slow
def test_the_interval_of_a_speedup_covers_the_truth_in_95_of_100_experiments() -> None:
    rng = np.random.default_rng(7)
    n, hits = 12, 0
    for _ in range(EXPERIMENTS):
        tokens = rng.integers(20, 60, n).astype(float)
        ours = tokens * rng.gamma(50, 1 / 50, n) * 0.5
        theirs = tokens * rng.gamma(50, 1 / 50, n)
        interval = bootstrap_speedup(tokens.tolist(), ours.tolist(), tokens.tolist(), theirs.tolist(), n_boot=1000)
        assert interval is not None
        hits += interval.low <= 2 <= interval.high
    assert hits / EXPERIMENTS == COVERS


@pytest.mark.slow
def test_the_interval_of_a_difference_covers_the_truth_in_95_of_100_experiments() -> None:
    """Two contenders on the same prompts, which make both accept more or both less: 3 and 2.5 tokens a round."""
    rng = np.random.default_rng(8)
    n, hits = 20, 0
    for _ in range(EXPERIMENTS):
        rounds, ease = rng.integers(10, 60, n).astype(float), rng.beta(4, 4, n)
        ours, theirs = rng.poisson(rounds * (1 + 4 * ease)), rng.poisson(rounds * (1 + 3 * ease))
        columns = [column.tolist() for column in (ours, rounds, theirs, rounds)]
        interval = bootstrap_difference(*columns, n_boot=1000)
        assert interval is not None
        hits += interval.low <= 0.5 <= interval.high
    assert hits / EXPERIMENTS == COVERS


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_wilson_covers_the_truth_in_95_of_100_experiments(share: float) -> None:
    intervals = [wilson(k, 60) for k in np.random.default_rng(1).binomial(60, share, EXPERIMENTS)]
    assert np.mean([interval.low <= share <= interval.high for interval in intervals]) == COVERS


def test_student_covers_the_truth_in_95_of_100_experiments() -> None:
    rng = np.random.default_rng(2)
    intervals = [mean_interval(rng.beta(2, 3, 12).tolist()) for _ in range(EXPERIMENTS)]
    assert np.mean([i is not None and i.low <= 0.4 <= i.high for i in intervals]) == COVERS
