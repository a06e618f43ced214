"""Visits are counted, and a draw for one is the same whoever draws."""

from collections import Counter

import pytest

from offbook.engine.students.visits import Visits, draw, drawn


def test_visits_are_counted_and_go_on_where_they_were() -> None:
    visits = Visits(3)
    visits.count([0, 2, 2])
    assert (visits.counts, visits.mean) == ([1, 0, 2], 1.0)
    later = Visits(3)
    later.load_state_dict(visits.state_dict())
    later.count([1])
    assert (later.counts, visits.counts) == ([1, 1, 2], [1, 0, 2])


def test_a_draw_depends_on_seed_question_and_visit_alone() -> None:
    places = [(seed, question, visit) for seed in (0, 1) for question in ("a", "b") for visit in (0, 1)]
    numbers = [draw(*place) for place in places]
    assert numbers == [draw(*place) for place in places]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 1 for number in numbers)


def test_places_are_drawn_as_often_as_they_weigh_and_never_without_weight() -> None:
    weights = [0.0, 3.0, 0.0, 1.0]
    found = Counter(drawn(weights, draw(0, "q", visit)) for visit in range(4000))
    assert set(found) == {1, 3}
    assert found[1] / 4000 == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2**-53])
def test_rounding_leaves_nobody_without(number: float) -> None:
    assert drawn([0.1] * 10 + [0.0], number) in range(10)
