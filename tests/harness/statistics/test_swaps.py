"""The randomisation test of two ratios: by hand, of the right size under no difference, and a function of its data."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from offbook.harness.statistics.swaps import EXACT, PATTERNS, swap_test

TOKENS = [12.0, 5.0, 9.0, 20.0]
OURS, THEIRS = [4.0, 3.0, 5.0, 8.0], [6.0, 4.0, 5.0, 9.0]  # rounds; the third document tells nothing


def by_hand(tokens: Sequence[float], ours: Sequence[float], theirs: Sequence[float]) -> float:
    """All ways to swap, one after the other."""
    found = []
    for swapped in itertools.product((False, True), repeat=len(tokens)):
        sums = [0.0, 0.0]
        for swap, one, other in zip(swapped, ours, theirs, strict=True):
            sums[0] += other if swap else one
            sums[1] += one if swap else other
        found.append(abs(math.log(sum(tokens) / sums[0]) - math.log(sum(tokens) / sums[1])))
    return sum(distance >= found[0] - 1e-9 for distance in found) / len(found)


def test_few_documents_are_swapped_in_every_way() -> None:
    assert swap_test(TOKENS, OURS, TOKENS, THEIRS) == by_hand(TOKENS, OURS, THEIRS) == 2 / 8


def test_numerators_may_differ_too() -> None:
    """Of two documents the ways to swap are two and their mirrors; the tokens of the second answer are not the same."""
    assert swap_test([10, 10], [5, 5], [10, 20], [10, 20]) == 0.5
    assert swap_test([10, 10], [5, 5], [10, 20], [5, 10]) == 1.0, "both have two tokens a round, however they swap"


def test_it_does_not_matter_who_is_named_first() -> None:
    rng = np.random.default_rng(3)
    ours, theirs = rng.uniform(1, 3, (2, 40)).tolist()
    tokens = [6.0] * 40
    assert swap_test(tokens, ours, tokens, theirs) == swap_test(tokens, theirs, tokens, ours)


def test_drawn_ways_are_never_zero_and_always_the_same() -> None:
    tokens, ours = [6.0] * (EXACT + 10), [2.0] * (EXACT + 10)
    theirs = [4.0] * (EXACT + 10)
    found = swap_test(tokens, ours, tokens, theirs)
    assert found == swap_test(tokens, ours, tokens, theirs) == 1 / (1 + PATTERNS)


def test_without_a_difference_it_says_five_of_a_hundred_times_that_there_is_one() -> None:
    rng = np.random.default_rng(4)
    called, experiments = 0, 600
    for _ in range(experiments):
        tokens = rng.integers(20, 200, 12).astype(float)
        ours, theirs = tokens / rng.uniform(1.2, 3, (2, 12))
        called += swap_test(tokens.tolist(), ours.tolist(), tokens.tolist(), theirs.tolist()) <= 0.05
    assert called / experiments == pytest.approx(0.05, abs=0.03)


def test_a_cluster_is_swapped_as_a_whole() -> None:
    """Copies of a document know what the document knows."""
    copied = [[value for value in column for _ in range(3)] for column in (TOKENS, OURS, THEIRS)]
    clusters = [f"story {i}" for i in range(len(TOKENS)) for _ in range(3)]
    tokens, ours, theirs = copied
    assert swap_test(tokens, ours, tokens, theirs, clusters=clusters) == swap_test(TOKENS, OURS, TOKENS, THEIRS)
    assert swap_test(tokens, ours, tokens, theirs) < 0.1


@pytest.mark.parametrize(
    ("ours", "theirs"), [(OURS, OURS), ([1.0] * 4, [1.0] * 3 + [2.0]), ([0.0] * 4, THEIRS)],
    ids=["nothing differs", "one document differs", "a ratio that is none"],
)  # fmt: skip
def test_where_nothing_can_be_told_p_is_one(ours: list[float], theirs: list[float]) -> None:
    assert swap_test(TOKENS, ours, TOKENS, theirs) == 1.0


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="align them by document"):
        swap_test(TOKENS, OURS[:3], TOKENS, THEIRS)
    with pytest.raises(ValueError, match="align them by document"):
        swap_test(TOKENS, OURS, TOKENS, THEIRS, clusters=["one"])
