"""Differences over pairs of seeds: what a seed does to both students cancels."""

import math

import numpy as np
import pytest

from offbook.harness.statistics.crossed import difference, seed_sd, t_interval
from offbook.harness.statistics.intervals import Floats
from offbook.harness.statistics.paired import paired_difference


def scores(items: int, seeds: int, *, of_items: float, of_seeds: float, seed: int) -> Floats:
    draw = np.random.default_rng(seed)
    return (
        of_items * draw.standard_normal((items, 1))
        + of_seeds * draw.standard_normal((1, seeds))
        + 0.1 * draw.standard_normal((items, seeds))
    )


ALONE = [str(item) for item in range(60)]


def test_what_a_seed_does_to_both_cancels() -> None:
    theirs = scores(60, 6, of_items=0.3, of_seeds=0.5, seed=0)
    ours = theirs + 0.2 + 0.05 * np.random.default_rng(1).standard_normal(theirs.shape)
    paired, apart = paired_difference(ours, theirs, ALONE), difference(ours, theirs)
    assert paired.mean == pytest.approx(apart.mean)
    assert seed_sd(theirs) > 0.1
    assert paired.error < 0.1 * apart.error


def test_pairs_are_as_many_as_seeds() -> None:
    ours, theirs = (scores(60, 6, of_items=0.0, of_seeds=1.0, seed=seed) for seed in (0, 1))
    found = paired_difference(ours, theirs, ALONE)
    assert found.seeds_df == 5
    means = (ours - theirs).mean(axis=0)
    assert found.v_seeds == pytest.approx(means.var(ddof=1) / 6, rel=0.05)


def test_like_items_count_as_one() -> None:
    ours, theirs = scores(60, 4, of_items=0.5, of_seeds=0.0, seed=2), np.zeros((60, 4))
    alone = paired_difference(ours, theirs, ALONE)
    stories = paired_difference(
        np.repeat(ours, 3, axis=0), np.repeat(theirs, 3, axis=0), [c for c in ALONE for _ in "abc"]
    )
    assert (stories.mean, stories.v_items) == pytest.approx((alone.mean, alone.v_items))


def test_no_difference_gives_no_interval() -> None:
    found = paired_difference(np.ones((4, 2)), np.ones((4, 2)), ALONE[:4])
    assert (found.mean, t_interval(found)) == (0, None)
    assert math.isnan(found.error)


def test_other_seeds_or_items_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected scores of the same items and seeds, got \(4, 2\) and \(4, 3\)"):
        paired_difference(np.ones((4, 2)), np.ones((4, 3)), ALONE[:4])
