"""Trees grown best first: the likeliest candidates, connected, in order."""

import pytest

from offbook.engine.decoding.best_first import best_first

STEPS = {"": [(1, 0.6, "a"), (2, 0.3, "b")], "a": [(3, 0.5, "c"), (4, 0.1, "c")], "b": [(5, 0.9, "c")], "c": []}


def test_the_likeliest_candidates_are_kept_with_those_above_them():
    tree = best_first(9, "", STEPS.__getitem__, nodes=4)
    assert tree.tokens == (9, 1, 2, 3, 5)
    assert tree.parents == (-1, 0, 0, 1, 2)
    assert tree.survival == pytest.approx((1.0, 0.6, 0.3, 0.3, 0.27))


def test_equally_likely_candidates_come_in_the_order_in_which_they_were_found():
    tree = best_first(0, "", lambda _: [(t, 0.25, "") for t in (3, 1, 2)], nodes=4)
    assert tree.tokens == (0, 3, 1, 2, 3)
    assert tree.parents == (-1, 0, 0, 0, 1)


def test_unlikely_candidates_are_left_out():
    assert best_first(9, "", STEPS.__getitem__, nodes=9, least=0.28).tokens == (9, 1, 2, 3)


@pytest.mark.parametrize(("nodes", "tokens"), [(0, (9,)), (1, (9, 1)), (9, (9, 1, 2, 3, 5, 4))])
def test_there_are_no_more_than_asked_for_and_fewer_where_nothing_follows(nodes, tokens):
    assert best_first(9, "", STEPS.__getitem__, nodes=nodes).tokens == tokens
