"""Arithmetic is found in running text and nothing else is, and it is judged exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.tasks.rationales.equalities import equalities, false_statements, refutations, value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("So 12 x 3 = 36 notebooks, and 48 - 36 = 12.", ["12 x 3 = 36", "48 - 36 = 12"]),
        ("r = m - n * p = 20 - 4 * 3 = 20 - 12 = 8", ["20 - 4 * 3 = 20 - 12 = 8"]),
        ("1. What is it? 2 + 3 + 4 = 9.", ["2 + 3 + 4 = 9"]),
        (
            "(7 + 5) * 2 = 24, $5 + $7 = $12, 3×4=12, 8 ÷ 4 = 2",
            ["(7 + 5) * 2 = 24", "$5 + $7 = $12", "3×4=12", "8 ÷ 4 = 2"],
        ),
        ("1.5 + 1.5 = 3 exactly", ["1.5 + 1.5 = 3"]),
        ("20 - 28 = -8", ["20 - 28 = -8"]),
        ("Let n = 4 and p = 3; there are 7 of 12, in 2024 x-rays.", []),
    ],
)
def test_equalities_are_found(text: str, found: list[str]) -> None:
    assert [equality.text for equality in equalities(text)] == found
    assert list(false_statements(text)) == []


@pytest.mark.parametrize(
    ("text", "false"),
    [
        ("12 x 3 = 35", "12 x 3 = 35"),
        ("12 - 6 - 2 = 8", "12 - 6 - 2 = 8"),
        ("2 + 3 * 4 = 20", "2 + 3 * 4 = 20"),
        ("7 / 2 = 3", "7 / 2 = 3"),
        ("7 / 0 = 0", "7 / 0 = 0"),
        ("(7 + 5 = 12", "(7 + 5 = 12"),
        ("5 + 5 = 10, not 10", "= 10, not 10"),
        ("12 is already more than 12", "12 is already more than 12"),
        ("9 is less than 4", "9 is less than 4"),
    ],
)
def test_false_statements_are_found(text: str, false: str) -> None:
    assert list(false_statements(text)) == [false]


def test_an_equality_knows_its_result_and_the_numbers_of_its_first_side() -> None:
    equality = equalities("7 + 5 - 2 = 10 = 10")[0]
    assert (equality.numbers, equality.result, equality.holds) == ((7, 5, 2), 10, True)


def test_refutations_are_comparisons() -> None:
    assert refutations("32 + 12 = 44, not 20. And 5 is less than 9.") == ["= 44, not 20", "5 is less than 9"]


def test_an_expression_of_letters_is_evaluated_with_their_values() -> None:
    assert value("(a + b) / c", {"a": 1, "b": 2, "c": 2}) == Fraction(3, 2)
    assert value("a + z", {"a": 1}) is None
    assert value("f(1)") is None
    assert value("-3 + 5") == 2


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from("+-x"), st.integers(-3, 3))
def test_a_sum_is_accepted_only_with_its_own_result(a: int, b: int, sign: str, error: int) -> None:
    result = {"+": a + b, "-": a - b, "x": a * b}[sign] + error
    assert list(false_statements(f"Then {a} {sign} {b} = {result}, you see.")) == (
        [f"{a} {sign} {b} = {result}"] if error else []
    )
