"""Ratios over clusters of like prompts: as wide as what the clusters know, and what they were where each is alone."""

from collections.abc import Callable

import numpy as np
import pytest

from offbook.harness.statistics.clusters import cluster_name
from offbook.harness.statistics.intervals import Interval, bootstrap_difference, bootstrap_ratio, bootstrap_speedup

Bootstrap = Callable[..., Interval | None]
COLUMNS = {bootstrap_ratio: 2, bootstrap_speedup: 4, bootstrap_difference: 4}
EXPERIMENTS = 5000


def hits(clusters: int, experiments: int, *, aware: bool) -> float:
    """How often the interval holds the truth, 3 tokens a round; all prompts of a cluster accept alike."""
    rng = np.random.default_rng(clusters)
    held = 0
    for _ in range(experiments):
        names = np.repeat(np.arange(clusters), rng.integers(1, 6, clusters))
        ease = rng.beta(4, 4, clusters)[names]
        rounds = rng.integers(10, 60, len(names)).astype(float)
        tokens = rng.poisson(rounds * (1 + 4 * ease)).astype(float)
        labels = [str(name) for name in names] if aware else None
        interval = bootstrap_ratio(tokens.tolist(), rounds.tolist(), clusters=labels, n_boot=1000)
        assert interval is not None
        held += interval.low <= 3 <= interval.high
    return held / experiments


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [12, 20, 40])
def test_the_interval_of_a_ratio_over_clusters_covers_the_truth_in_95_of_100_experiments(clusters: int) -> None:
    assert hits(clusters, EXPERIMENTS, aware=True) == pytest.approx(0.95, abs=0.01 + 3 * 0.0031)


def test_intervals_over_prompts_are_too_narrow_where_those_over_clusters_are_not() -> None:
    assert hits(20, 300, aware=True) == pytest.approx(0.95, abs=0.04)
    assert hits(20, 300, aware=False) < 0.85


@pytest.mark.parametrize("bootstrap", COLUMNS)
def test_prompts_that_are_alone_in_their_clusters_change_no_digit(bootstrap: Bootstrap) -> None:
    columns = np.random.default_rng(1).uniform(1, 9, (COLUMNS[bootstrap], 30)).tolist()
    assert bootstrap(*columns, clusters=[str(i) for i in range(30)]) == bootstrap(*columns)


@pytest.mark.parametrize("bootstrap", COLUMNS)
def test_copies_of_a_prompt_know_no_more_than_one(bootstrap: Bootstrap) -> None:
    columns = np.random.default_rng(2).integers(1, 9, (COLUMNS[bootstrap], 12)).astype(float)
    copied = np.repeat(columns, 4, axis=1).tolist()
    found = bootstrap(*copied, clusters=[str(i // 4) for i in range(48)])
    assert found == pytest.approx(bootstrap(*columns.tolist()))
    blind = bootstrap(*copied)
    assert found is not None
    assert blind is not None
    assert found.high - found.low > 1.5 * (blind.high - blind.low)


@pytest.mark.parametrize("bootstrap", COLUMNS)
def test_one_cluster_gives_no_interval(bootstrap: Bootstrap) -> None:
    columns = np.random.default_rng(3).uniform(1, 9, (COLUMNS[bootstrap], 5)).tolist()
    assert bootstrap(*columns, clusters=["one"] * 5) is None


def test_clusters_of_other_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry a prompt"):
        bootstrap_ratio([1, 2], [1, 1], clusters=["a"])


def test_a_story_that_two_suites_tell_is_one_draw() -> None:
    """As where one question is asked in two wordings."""
    assert cluster_name("capitals", 3, "capitals/peru") == cluster_name("capitals_plain", 3, "capitals/peru")
    assert cluster_name("capitals", 3, "") != cluster_name("capitals_plain", 3, "")
