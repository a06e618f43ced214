"""Every sampler with a fault says some text with a probability that the target does not give it; right ones do not."""

import pytest

from tests.controls.samplers import DRAWN_FAULTS, GIVEN_FAULTS, drawn, given, judged

SEEN = 1e-3  # of a probability


@pytest.mark.parametrize("right", [drawn(), given()], ids=["drawn", "given"])
def test_the_rules_without_a_fault_are_exact(right):
    found = judged(right)
    assert found.deviation < 1e-12
    assert found.power < 1e-5, "about as often as the level says"


@pytest.mark.parametrize("fault", DRAWN_FAULTS)
def test_a_fault_with_drawn_candidates_shows_in_its_law_and_in_draws(fault):
    found = judged(drawn(fault))
    assert found.deviation > SEEN
    assert found.power > 0.99


@pytest.mark.parametrize("fault", GIVEN_FAULTS)
def test_a_fault_with_given_candidates_shows_in_its_law_and_in_draws(fault):
    found = judged(given(fault))
    assert found.deviation > SEEN
    assert found.power > 0.99


def test_there_are_more_than_twenty():
    assert len(DRAWN_FAULTS) + len(GIVEN_FAULTS) > 20
