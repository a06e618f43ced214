"""Every sampler with a fault says some text with a probability that the target does not give it; right ones do not."""

import pytest

from tests.controls.samplers import DRAWN_FAULTS, GIVEN_FAULTS, drawn, given, largest_deviation

SEEN = 1e-3  # of a probability; a million draws see less


@pytest.mark.parametrize("right", [drawn(), given()], ids=["drawn", "given"])
def test_the_rules_without_a_fault_are_exact(right):
    assert largest_deviation(right) < 1e-12


@pytest.mark.parametrize("fault", DRAWN_FAULTS)
def test_a_fault_with_drawn_candidates_shows(fault):
    assert largest_deviation(drawn(fault)) > SEEN


@pytest.mark.parametrize("fault", GIVEN_FAULTS)
def test_a_fault_with_given_candidates_shows(fault):
    assert largest_deviation(given(fault)) > SEEN


def test_there_are_more_than_twenty():
    assert len(DRAWN_FAULTS) + len(GIVEN_FAULTS) > 20
