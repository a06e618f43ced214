"""What estimates turn out to be worth: counted by depth and by estimate or rank, and refined inside a document."""

import itertools

import pytest

from offbook.engine.decoding.calibration import DEPTHS, EDGES, GUESS, PRIOR, RANKS, Calibration, Cell, Tally, cells
from offbook.engine.decoding.tree import Tree

#      0
#    1   2
#    3   4
FORKED = Tree((9, 1, 2, 3, 4), (-1, 0, 0, 1, 2))
GUESSED = Tree((9, 1, 2, 3, 4), (-1, 0, 0, 1, 2), (1.0, 0.6, 0.3, 0.33, 0.03))


def test_candidates_are_told_apart_by_depth_and_rank_or_estimate_given_the_parent():
    assert cells(FORKED) == [Cell("rank", 1, 0), Cell("rank", 1, 1), Cell("rank", 2, 0), Cell("rank", 2, 0)]
    places = [sum(edge <= chance for edge in EDGES) for chance in (0.6, 0.3, 0.55, 0.1)]
    assert cells(GUESSED) == [Cell("estimate", depth, at) for depth, at in zip((1, 1, 2, 2), places, strict=True)]


def test_deep_candidates_and_late_siblings_count_with_the_last():
    assert cells(Tree.chain(range(DEPTHS + 4)))[-1] == Cell("rank", DEPTHS, 0)
    brood = Tree(tuple(range(RANKS + 4)), (-1, *([0] * (RANKS + 3))))
    assert cells(brood)[-1] == Cell("rank", 1, RANKS - 1)


def test_a_candidate_is_judged_wherever_its_parent_is_committed():
    tally = Tally()
    tally.add(FORKED, [2, 7])
    assert tally.judged == {Cell("rank", 1, 0): 1, Cell("rank", 1, 1): 1, Cell("rank", 2, 0): 1}
    assert tally.held == {Cell("rank", 1, 1): 1}


def test_a_leaf_says_nothing_of_what_follows():
    tally = Tally()
    tally.add(Tree.chain([9, 1]), [1, 5, 6])
    assert tally.judged == tally.held == {Cell("rank", 1, 0): 1}


def test_a_calibration_says_what_was_counted():
    tally = Tally(judged={Cell("rank", 1, 0): 998}, held={Cell("rank", 1, 0): 399})
    assert Calibration.of(tally).by_rank[0][0] == pytest.approx(0.4)


def test_what_was_never_seen_is_taken_at_its_word():
    untried = Calibration.of(Tally())
    assert untried.by_estimate[0][EDGES.index(0.3)] == pytest.approx(0.25)
    assert untried.by_rank[0][:3] == (0.5, 0.25, 0.125)


def test_a_calibration_rises_with_the_estimate_and_falls_with_the_rank():
    tally = Tally()
    for place, held in enumerate([5, 0, 30, 10, 60, 61]):
        for by in ("estimate", "rank"):
            tally.judged[Cell(by, 1, place)], tally.held[Cell(by, 1, place)] = 100, held
    calibration = Calibration.of(tally)
    assert all(a <= b for a, b in itertools.pairwise(calibration.by_estimate[0]))
    assert all(a >= b for a, b in itertools.pairwise(calibration.by_rank[0]))
    first, second = calibration.by_estimate[0][:2]
    assert first == second == pytest.approx((5 + GUESS * 0.01 + GUESS * 0.035) / (200 + 2 * GUESS), abs=1e-4)


def test_survival_is_the_product_along_the_path():
    line = (0.5,) * (len(EDGES) + 1)
    calibration = Calibration(by_estimate=(line,) * DEPTHS, by_rank=((0.4,) * RANKS,) * DEPTHS)
    assert calibration.survival(GUESSED, Tally()) == (1.0, 0.5, 0.5, 0.25, 0.25)
    assert calibration.survival(FORKED, Tally()) == pytest.approx((1.0, 0.4, 0.4, 0.16, 0.16))


def test_a_document_refines_it_as_a_beta_prior_would():
    calibration = Calibration(by_estimate=(), by_rank=((0.25,) * RANKS,) * DEPTHS)
    seen = Tally(judged={Cell("rank", 1, 0): 12}, held={Cell("rank", 1, 0): 12})
    chance = calibration.survival(Tree.chain([9, 1]), seen)[1]
    assert chance == (PRIOR * 0.25 + 12) / (PRIOR + 12)


def test_a_parent_that_never_survives_leaves_no_estimate_to_divide_by():
    assert cells(Tree.chain([9, 1, 2], [1.0, 0.0, 0.0]))[1] == Cell("estimate", 2, 0)
