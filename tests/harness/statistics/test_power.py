"""What pairs of seeds can show: published-style table by the formula, and what a pilot's pairs say of it."""

import math

import numpy as np
import pytest

from offbook.harness.statistics.crossed import ALPHA, POWER
from offbook.harness.statistics.intervals import student_quantile
from offbook.harness.statistics.power import UPPER, detectable_paired, detectable_unpaired, pairs_for, seeds_of

TABLE = {  # points by seed sd and number of seeds: unpaired, and paired at a correlation of a half
    5: {3: (15, 15), 5: (10, 8), 8: (8, 6), 12: (6, 4), 20: (5, 3)},
    10: {3: (30, 31), 5: (20, 17), 8: (15, 12), 12: (12, 9), 20: (9, 7)},
    17: {3: (52, 53), 5: (34, 28), 8: (26, 20), 12: (20, 15), 20: (15, 11)},
}


@pytest.mark.parametrize(("sd", "n"), [(sd, n) for sd, row in TABLE.items() for n in row])
def test_differences_that_can_be_seen_are_those_of_the_known_table(sd: int, n: int) -> None:
    of_pairs = math.sqrt(2 * sd**2 * (1 - 0.5))
    found = detectable_unpaired(sd, n), detectable_paired(of_pairs, n)
    assert found == pytest.approx(TABLE[sd][n], abs=0.75)


def test_more_pairs_and_a_higher_correlation_show_smaller_differences() -> None:
    assert detectable_paired(5, 12) < detectable_paired(5, 8) < detectable_paired(5, 3)
    assert detectable_paired(1, 8) < detectable_paired(5, 8)


def test_pairs_that_differ_alike_are_correlated_and_vary_less_than_their_methods() -> None:
    found = seeds_of([0.40, 0.50, 0.60, 0.45], [0.30, 0.41, 0.49, 0.36])
    assert found.pairs == 4
    assert found.correlation > 0.95
    assert found.sd_difference < found.sd / 3
    assert found.correlation == pytest.approx(np.corrcoef([0.40, 0.50, 0.60, 0.45], [0.30, 0.41, 0.49, 0.36])[0, 1])


def test_a_method_that_does_not_vary_has_no_correlation_and_a_difference_all_the_same() -> None:
    found = seeds_of([0.5, 0.5, 0.5], [0.3, 0.4, 0.5])
    assert math.isnan(found.correlation)
    assert found.sd_difference == pytest.approx(0.1)


@pytest.mark.parametrize(("a", "b"), [([0.5], [0.4]), ([], []), ([0.5, 0.4], [0.3])])
def test_one_pair_says_nothing(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="expected two pairs of seeds or more, got") as error:
        seeds_of(a, b)
    assert "\n" not in str(error.value)


def test_the_upper_end_holds_the_true_deviation_in_eighty_of_a_hundred_pilots() -> None:
    rng = np.random.default_rng(0)
    held = [seeds_of(rng.normal(size=4), rng.normal(size=4)).upper >= math.sqrt(2) for _ in range(2000)]
    assert np.mean(held) == pytest.approx(UPPER, abs=0.03)


def test_a_difference_as_large_as_is_detectable_is_found_as_often_as_the_power_says() -> None:
    rng, n = np.random.default_rng(1), 6
    off = rng.normal(size=(4000, n)) + detectable_paired(1.0, n)
    t = off.mean(axis=1) / (off.std(axis=1, ddof=1) / math.sqrt(n))
    assert (t > student_quantile(1 - ALPHA / 2, n - 1)).mean() == pytest.approx(POWER, abs=0.06)


def test_the_fewest_pairs_that_reach_a_goal_are_named_or_none() -> None:
    n = pairs_for(0.05, 0.08, 10)
    assert n is not None
    assert detectable_paired(0.05, n) <= 0.08 < detectable_paired(0.05, n - 1)
    assert pairs_for(0.5, 0.08, 10) is None
