"""Lengths that hang on nothing but what is known before a draw leave the law alone; others do not."""

import pytest

from offbook.harness.certificates.law import law
from tests.controls.lengths import RIGHT, WRONG
from tests.controls.samplers import SETTINGS, Game, drawn, largest_deviation
from tests.controls.test_samplers import SEEN


@pytest.mark.parametrize("rule", RIGHT)
def test_a_rule_that_does_not_look_at_the_draw_is_exact(rule):
    assert largest_deviation(drawn(tree=RIGHT[rule][0])) < 1e-12


@pytest.mark.parametrize("rule", WRONG)
def test_a_rule_that_looks_at_the_draw_is_seen(rule):
    assert largest_deviation(drawn(tree=WRONG[rule])) > SEEN


@pytest.mark.parametrize("rule", RIGHT)
def test_each_rule_draws_more_at_one_time_than_at_another(rule):
    game = Game(SETTINGS[0])
    sizes = law(lambda chance: size(RIGHT[rule][0](game, chance, "none")))
    assert len(sizes) > 1, "else it would be no rule"
    assert sum(sizes.values()) == pytest.approx(1)


def size(node) -> int:
    return 1 + sum(map(size, node.children))
