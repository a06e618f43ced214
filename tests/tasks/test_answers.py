"""The final answer of a rationale is found in the many forms that models give it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.engine.students.corpus import ANSWER_LINE, close
from offbook.tasks.answers import KINDS, equal, extract, score

ANIMALS = ("a dog", "a cat", "a guinea pig")


@pytest.mark.parametrize(
    "text",
    [
        "12",
        "4 * 3 = 12\nThe answer is 12.",
        "The answer is 12",
        "the answer is: 12.",
        "THE ANSWER IS 12!",
        "The final answer is 12.",
        "**The answer is 12.**",
        "The answer is **12**.",
        "The answer is *12* apples.",
        "The answer is `12`",
        "The answer is __12__.",
        "**Answer:** 12",
        "Answer = 12",
        "Answer:\n\n12",
        "The answer to the question is 12.",
        "The correct answer would be 12.",
        "The answer (in dollars) is $12.",
        "#### 12",
        r"\boxed{12}",
        r"So we get \[ \boxed{12} \]",
        r"The answer is $\boxed{12\text{ apples}}$.",
        r"\boxed{\text{12}} is what 5 people pay for 3",
        r"The answer is \(12\).",
        r"The answer is \$12.",
        "The answer is $12$.",
        "The answer is $12.00.",
        "The answer is 12 apples.",
        "The answer is 12 apples, 3 for each of 4 people.",
        "The answer is 12kg.",
        "The answer is 12%.",
        "The answer is €12",
        "The answer is 4 * 3 = 12.",
        "The answer is x = 12.",
        "The answer is 12. Check: 12 / 3 = 4.",
        "The answer is 12\n\nNow 3 more people come.",
        "The answer is 12, not 15.",
        "The answer is 15. Wait, that is wrong.\nThe answer is 12.",
        "The answer is 15.\nNo: the answer is not 15 but 12.",
        "The answer is 12. The answer is correct because 5 is prime.",
        "The answer is 12. The answer is",
        "4 * 3 = 12\nThe answer is",
        "4 * 3 = 12.\nThe ans",
        "3 apples and 4 pears.\nTherefore, the total is 12 apples.",
        "Therefore, the price is 12 dollars for 3 people.",
        "So she has 4 * 3 = 12 of them",
        "He has 12 on route B52.",
        "There are 12 on the 3rd of them.",
        "Close with a line that reads: The answer is ...\nIt is 12.",
    ],
)
def test_the_number_twelve_is_found(text: str) -> None:
    assert score(text, "12", "number") == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 1,200.", "1200"),
        (r"The answer is 1{,}200 or so", "1200"),
        (r"\boxed{1\,200}", "1200"),
        ("The answer is 3/4.", "3/4"),
        (r"The answer is $\frac{3}{4}$.", "3/4"),
        (r"\boxed{\dfrac{3}{4}}", "3/4"),
        ("The answer is 3 / 4 of a mile.", "3/4"),
        ("The answer is 3/0.", None),
        ("The answer is -4.", "-4"),
        ("The answer is −4 degrees.", "-4"),
        ("The answer is -$4.", "-4"),
        ("The answer is .5", ".5"),
        ("The answer is 0.5.", "0.5"),
        (r"cut: \boxed{17", "17"),
        ("The answer is twelve.", "12"),
        ("It is the B52.", None),
        ("", None),
        ("The answer is", None),
        ("The answer is ...", None),
    ],
)
def test_a_number_keeps_its_value(text: str, answer: str | None) -> None:
    assert extract(text, "number") == answer


@pytest.mark.parametrize("wrong", ["The answer is 120.", "The answer is 1.2.", "The answer is -12.", "The answer is 2"])
def test_another_number_does_not_count(wrong: str) -> None:
    assert score(wrong, "12", "number") == 0


@pytest.mark.parametrize(
    ("one", "other"), [("12", "12.0"), ("1,200", "1200"), ("$12", "12"), ("3/4", "0.75"), ("1/3", "0.3333333")]
)
def test_equal_numbers_are_written_in_several_ways(one: str, other: str) -> None:
    assert equal(one, other, "number")
    assert equal(other, one, "number")


def test_nothing_equals_a_reference_without_a_number() -> None:
    assert not equal("twelve", "twelve", "number")
    assert not equal("12", "13", "number")


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "B.",
        "(B)",
        "(b)",
        "b",
        "**B**",
        "B) a cat",
        "B: a cat",
        "B. It purrs, a dog does not.",
        "Option B",
        "The answer is B.",
        "The answer is (B).",
        "The answer is b.",
        "The answer is (b) a cat.",
        "The answer is option B, a cat.",
        "The answer is B a cat",
        "The answer is B because a dog barks.",
        "The correct option is (B)",
        "The correct choice is: B",
        r"\boxed{B}",
        r"The answer is $\boxed{\text{B}}$.",
        "The answer is a cat.",
        "The answer is A cat.",
        "The answer is **a cat**, not a dog.",
        "The answer is A.\nWait. The answer is B.",
        "The answer is not A but B.",
        "It barks (A) or purrs (B).",
        "It cannot be a dog. It must be a cat.",
        "The answer is B.\nThe answer is",
        "A) a dog\nB) a cat",
    ],
)
def test_the_letter_b_is_found(text: str) -> None:
    assert extract(text, "letter", ANIMALS) == "B"
    assert score(text, "B", "letter", ANIMALS) == 1
    assert score(text, "A cat", "letter", ANIMALS) == 1
    assert score(text, "A", "letter", ANIMALS) == 0


@pytest.mark.parametrize("text", ["", "The answer is E.", "I do not know.", "A fish swims.", "The answer is"])
def test_a_text_may_name_no_choice(text: str) -> None:
    assert extract(text, "letter", ANIMALS) is None


@pytest.mark.parametrize(
    ("text", "choices", "answer"),
    [
        ("The answer is red.", ("red", "dark red"), "red"),
        ("The answer is dark red.", ("red", "dark red"), "dark red"),
        ("To me it looks dark red.", ("red", "dark red"), "dark red"),
        ("Ann is shorter than Bob, so Bob.", ("Ann", "Bob"), "Bob"),
        ("The answer is Ann, who is taller than Bob.", ("Ann", "Bob"), "Ann"),
        ("Annabel", ("Ann", "Bob"), None),
        ("The answer is 15 May.", ("5 May", "15 May"), "15 May"),
        ("The answer is May 5th, 2021.", ("5 May", "15 May"), "5 May"),
        ("It is the 5th of May.", ("5 May", "15 May"), "5 May"),
        ('The answer is "k".', ("k", "t"), "k"),
        ("The answer is: K", ("k", "t"), "k"),
        ("The answer is B.", ("Ann", "Bob"), None),
    ],
)
def test_an_option_is_found_by_its_text(text: str, choices: tuple[str, ...], answer: str | None) -> None:
    assert extract(text, "option", choices) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is yes.", "yes"),
        ("The answer is **No**.", "no"),
        ("Yes, because all of them do.", "yes"),
        ("No", "no"),
        ("The answer is no, although yes was close.", "no"),
        ("The answer is true.", "yes"),
        ("The statement is not true.", "no"),
        ("It is false", "no"),
        ("The answer is yes.\nSorry. The answer is no.", "no"),
        ("Yes? There is no way of telling", "yes"),
        ("Nobody knows. Yesterday", None),
        ("The answer is", None),
    ],
)
def test_yes_or_no_is_found(text: str, answer: str | None) -> None:
    assert extract(text, "yes_no") == answer


def test_true_and_false_are_references_too() -> None:
    assert score("The answer is yes.", "True", "yes_no") == 1
    assert score("The answer is yes.", "no", "yes_no") == 0


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("The answer is Paris.", "paris"),
        ('The answer is "Paris".', "Paris"),
        ("The answer is 'olleh'.", "olleh"),
        ("The answer is Mr. Smith.", "Mr. Smith"),
        ("The answer is 3 May 2021.", "3 May 2021"),
        ("The answer is May 3, 2021.", "3 May 2021"),
        ("The answer is the 3rd of May.", "the 3 May"),
        ("Long thoughts about it all.\n\nolleh", "olleh"),
        ("The answer is guinea   pig!", "guinea pig"),
    ],
)
def test_free_text_is_compared_without_case_and_marks(text: str, gold: str) -> None:
    assert score(text, gold, "text") == 1


def test_a_long_last_line_is_no_free_text_answer() -> None:
    assert extract("It is hard to say what this could be.", "text") is None
    assert extract(" \n ", "text") is None


def test_an_unknown_kind_and_missing_choices_are_refused() -> None:
    with pytest.raises(ValueError, match="got 'date'; pass one of these"):
        extract("12", "date")
    for kind in ("letter", "option"):
        with pytest.raises(ValueError, match="got none; pass their texts"):
            extract("B", kind)


@given(st.text(alphabet=st.sampled_from("The answer is\nnot ABC(b).,$\\boxed{}1/2#*=:-yes no cat"), max_size=60))
def test_any_text_has_an_answer_equal_to_itself_or_none(text: str) -> None:
    for kind in KINDS:
        answer = extract(text, kind, ANIMALS)
        assert answer is None or equal(answer, answer, kind, ANIMALS)


@given(
    st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=5), st.sampled_from(["{}", "{:,}", "{}.0", "**{}**"])
)
def test_the_last_of_several_statements_counts(numbers: list[int], form: str) -> None:
    text = "\n".join("Once more. " + ANSWER_LINE.format(answer=form.format(n)) for n in numbers)
    assert score(text, str(numbers[-1]), "number") == 1


@given(st.text(max_size=80), st.integers(-999, 999))
def test_a_closed_rationale_scores_whatever_went_before(rationale: str, number: int) -> None:
    text, _ = close(rationale, str(number))
    assert score(text, str(number), "number") == 1
