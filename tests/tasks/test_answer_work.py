"""No text makes the scorer raise, and none costs more than its length: counted, never timed."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.engine.students.corpus import ANSWER_LINE
from offbook.tasks.answers import KINDS, equal, extract, score
from offbook.tasks.lettered import split_options
from offbook.tasks.math500 import latex
from offbook.tasks.numbers import find_numbers, same, value
from offbook.tasks.prompts.scoring import contains_any, rouge1
from offbook.tasks.typesetting import plain

ANIMALS = ("a dog", "a cat", "5 May")
UNITS = (
    *(
        "1.1.1.",
        "1.",
        "1,",
        "1 ",
        "1/",
        "100 ",
        "100,",
        "1 1/2 ",
        "12,",
        "1^",
        "1e5 ",
        "0,",
        "1-",
        "minus 1 ",
        "٣",
        "½",
    ),
    *("(A) ", "A, ", "a cat ", "yes ", "not ", "because ", "5 May ", "May 5 ", "one and ", "= ", "therefore it is 5. "),
    *("The answer is ", "The answer is 12. ", "The answer is A or ", "The answer is not A but B. ", "answer:\n"),
    *("answer (", "answer to x ", " is the answer. ", "answer? ", "####", "<answer>", "<b ", "The answer is correct. "),
    *(r"\boxed{", r"\boxed{1}", r"\frac{", r"\frac1", r"\text{", r"\(", r"\[", "{", "}", "$", "$1$, ", "*", "_", "a_"),
    *("`", "'", '"', " ", "\n", ". ", "\\", "\u00a0", "10^1"),
)
SCORERS: dict[str, Callable[[str], object]] = {
    **{kind: partial(extract, kind=kind, choices=ANIMALS) for kind in KINDS},
    "latex": latex.extract,
}
ALPHABET = st.sampled_from(
    [*UNITS, *"0123456789.,/-^eE%$'()[]{}<>\\&;:!?ABCabc \n", "½", "³", "−", "ß", "İ", " million", " dozen", "twelve "]
)


def calls(function: Callable[[str], object], text: str) -> int:
    """Calls of functions, builtin ones too, that a call makes."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        function(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("scorer", SCORERS)
def test_twice_the_text_is_at_most_twice_the_calls(scorer: str) -> None:
    for unit in UNITS:
        for begin in ("", "The answer is "):
            once, twice = (calls(SCORERS[scorer], begin + unit * n) for n in (100, 200))
            assert twice <= 2.2 * once + 100, (unit, begin, once, twice)


def test_what_a_regular_expression_reads_twice_is_not_its_length_times_itself() -> None:
    """A search from every place of such a text to its end takes as long as the square of its length: far too long."""
    code = (
        "from offbook.tasks.answers import KINDS, extract\n"
        "from offbook.tasks.lettered import split_options\n"
        "from offbook.tasks.math500 import latex\n"
        "n = 200_000\n"
        "for text in ('a' + '_' * n + 'b', '*' * n, ' ' * n, '\\n' * n, chr(39) * n + 'x', 'answer' + ' ' * n + 'x',\n"
        "             'answer (' + 'x' * n, '<b ' + 'x' * n, '.' * n, '1' * n, '$' * n, '(' * n,\n"
        "             'B' + ' ' * n + 'x'):\n"
        "    for kind in KINDS:\n"
        "        extract(text, kind, ('a dog', 'a cat'))\n"
        "    latex.extract(text)\n"
        "    split_options(text)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_five_thousand_digits_are_a_number_like_any_other() -> None:
    digits = "9" * 5000
    for text in (
        digits,
        f"The answer is {digits}.",
        rf"\boxed{{{digits}}}",
        f"1.{digits}",
        f"{digits}/{digits}",
        f"1e{digits}",
    ):
        assert score(text, "12", "number") == 0
        found = extract(text, "number")
        assert found is None or equal(found, found, "number")
    assert score(f"The answer is {digits}.", digits, "number") == 1
    assert score("The answer is 1e999999999.", "1e999999999", "number") == 1
    assert score("The answer is 9^999999999.", "81", "number") == 0
    assert value(digits) is None


def test_a_loop_of_dots_is_no_number() -> None:
    assert extract("1.1.1." * 1000, "number") is None
    assert extract("The answer is 12.\n" + "1.1.1." * 1000, "number") == "12"


def test_lines_above_the_options_are_split_off() -> None:
    assert split_options("Which?\n\n(A) one\n(B) two") == ("Which?", ("one", "two"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(ALPHABET, max_size=25).map("".join)))
def test_any_text_has_an_answer_that_equals_itself_or_none(text: str) -> None:
    for kind in KINDS:
        answer = extract(text, kind, ANIMALS)
        assert answer is None or (isinstance(answer, str) and equal(answer, answer, kind, ANIMALS))
        if kind in ("letter", "option", "yes_no"):
            assert answer in {None, "yes", "no", "A", "B", "C", *ANIMALS}
    latex.extract(text)
    contains_any(text, ["a cat"])
    rouge1(text, "a cat")


@settings(deadline=None)
@given(st.lists(ALPHABET, max_size=25).map("".join))
def test_numbers_stand_in_the_text_in_order(text: str) -> None:
    text = plain(text)
    found = find_numbers(text)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    for number in found:
        assert 0 <= number.start < number.end <= len(text)
        assert same(number.digits, number.digits)


@given(st.lists(ALPHABET, max_size=8).map("".join), st.lists(ALPHABET, max_size=8).map("".join))
def test_two_numbers_are_equal_in_both_directions(one: str, other: str) -> None:
    assert equal(one, other, "number") == equal(other, one, "number")


@given(
    st.text(max_size=60),
    st.integers(-(10**9), 10**9),
    st.sampled_from(["{}", "{:,}", "{:_}", "**{}**", "${}$", "{} apples"]),
)
def test_a_stated_number_is_read_as_it_was_written(before: str, number: int, form: str) -> None:
    text = f"{before}\n{ANSWER_LINE.format(answer=form.format(number))}"
    assert score(text, str(number), "number") == 1


@given(
    st.text(max_size=60),
    st.sampled_from(ANIMALS),
    st.sampled_from(["{}", "**{}**", '"{}"', "<b>{}</b>", "({})", "{} indeed"]),
)
def test_a_stated_choice_is_read_as_it_was_written(before: str, choice: str, form: str) -> None:
    text = f"{before}\n{ANSWER_LINE.format(answer=form.format(choice))}"
    assert extract(text, "option", ANIMALS) == choice
    assert extract(text, "letter", ANIMALS) == "ABC"[ANIMALS.index(choice)]
