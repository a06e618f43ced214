"""Whether perspectives differ, and how much of a cost a perspective is everywhere."""

import math

import numpy as np
import pytest

from offbook.harness.statistics.perspectives import rank_correlation, split, spread


def test_a_cost_that_is_the_perspectives_alone_leaves_a_selector_nothing() -> None:
    questions = np.array([[3.0], [0.0], [7.0]])
    found = split(questions + np.array([[0.1, 0.5, 0.9]]))
    assert (found.perspective, found.question_by_perspective) == pytest.approx((1, 0))
    assert found.questions == 3


def test_a_cost_that_is_another_perspectives_in_every_question_is_all_the_selectors() -> None:
    found = split(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert (found.perspective, found.question_by_perspective) == pytest.approx((0, 1))


def test_the_two_parts_by_hand() -> None:
    found = split(np.array([[0.0, 4.0], [0.0, 2.0]]))
    assert found.perspective == pytest.approx(2 * (1.5**2 + 1.5**2) / (2 * 2**2 + 2 * 1**2))
    assert found.perspective + found.question_by_perspective == pytest.approx(1)


def test_questions_that_lack_a_path_are_left_out() -> None:
    found = split(np.array([[0.0, 4.0], [0.0, 2.0], [math.nan, 9.0]]))
    assert found == split(np.array([[0.0, 4.0], [0.0, 2.0]]))
    assert math.isnan(split(np.array([[math.nan, 1.0]])).perspective)
    assert math.isnan(split(np.ones((3, 2))).perspective), "where nothing varies there are no shares"


def test_perspectives_are_held_against_their_seeds() -> None:
    found = spread([[0.1, 0.3], [0.5, 0.7]])
    assert found.between == pytest.approx(np.std([0.2, 0.6], ddof=1))
    assert found.seeds == pytest.approx(math.sqrt(0.02))
    assert found.noise == pytest.approx(math.sqrt(0.01))
    assert math.isnan(spread([[0.1], [0.5]]).seeds)


def test_rank_correlation_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(x, x**3) == pytest.approx(1)
    assert rank_correlation(x, -x) == pytest.approx(-1)
    assert rank_correlation(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert math.isnan(rank_correlation(x, np.ones(4)))
