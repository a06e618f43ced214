"""The scores of the prompt tasks, on the many forms an answer takes."""

import ast

import pytest

from offbook.tasks import answers
from offbook.tasks.prompts.scoring import answered, contains_any, defining_code, rouge1
from offbook.tasks.prompts.utils import score_maths


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("12", 12),
        ("The answer is 12.", 12),
        ("5 * 3 = 15, so she has **15** apples.", 15),
        ("That makes $1,234.50 in total.", 1234.5),
        ("He sold 1,200, as we saw", 1200),
        ("1,200,000", 1200000),
        ("$96", 96),
        ("£3.50.", 3.5),
        ("about 45%", 45),
        ("x = -4", -4),
        ("x = −4", -4),
        ("It lost -$5", -5),
        ("20-8", 8),
        ("20 - 8", 8),
        ("20 -8", 8),
        ("between 10–12", 12),
        ("- 12 apples", 12),
        ("1. Add 3 and 4\n2. The result is 7", 7),
        (r"\boxed{42}", 42),
        ("#### 18", 18),
        ("12 km", 12),
        ("12km", 12),
        ("0.5", 0.5),
        ("it costs $.50", 0.5),
        ("There are twelve.", None),
        ("", None),
    ],
)
def test_the_last_number_is_found_in_many_forms(answer: str, number: float | None) -> None:
    found = answers.extract(answer, "number")
    assert (None if found is None else float(found)) == number


def test_a_decimal_answer_equals_a_whole_gold() -> None:
    assert score_maths({"answer": "12"}, ["She pays 12.00 dollars."]) == {"acc": 1.0}
    assert score_maths({"answer": "12"}, ["She pays 12.01 dollars."]) == {"acc": 0.0}
    assert score_maths({"answer": "12"}, ["She pays a dozen."]) == {"acc": 0.0}


def test_a_maths_answer_that_is_stated_counts_and_not_the_last_number() -> None:
    assert score_maths({"answer": "12"}, ["The answer is 12. Check: 12 / 3 = 4."]) == {"acc": 1.0}
    assert score_maths({"answer": "4"}, ["The answer is 12. Check: 12 / 3 = 4."]) == {"acc": 0.0}


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("Tokyo", ["Tokyo"]),
        ("The capital of Japan is **Tokyo**.", ["Tokyo"]),
        ("It was built by ida\nstrand.", ["Ida Strand"]),
        ("a hexagon has 6 sides", ["six", "6"]),
        ("an eleven-week closure", ["eleven"]),
        ("Email: lotte.brandt@postbox.example.", ["lotte.brandt@postbox.example"]),
        ("$1,134.85", ["$1,134.85", "1134.85"]),
        ("The talk is ‘Lichens’ Song’", ["Lichens' Song"]),
        ("13, they say", ["13"]),
    ],
)
def test_an_accepted_string_is_found(answer: str, accepted: list[str]) -> None:
    assert contains_any(answer, accepted)


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("sixty", ["six"]),
        ("twenty-six", ["six"]),
        ("13.5 degrees", ["13"]),
        ("1,134.85", ["134"]),
        ("rice", ["ice"]),
        ("", ["ice"]),
        ("lotte-brandt@postbox.example", ["lotte.brandt@postbox.example"]),
    ],
)
def test_part_of_a_word_or_number_is_not_an_answer(answer: str, accepted: list[str]) -> None:
    assert not contains_any(answer, accepted)


GOOD = "def double(x):\n    return 2 * x\n"


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"```python\n{GOOD}```",
        f"Sure! Here it is:\n\n```\n{GOOD}```\n\nIt multiplies by two.",
        f"Here is the function:\n\n{GOOD}\nThis function doubles.",
        f"```python\n{GOOD}\nprint(double(",
        "```python\ndef double(x):\n    y = 2 * x\n    if y > 3:\n        ret",
        f"1. First:\n   ```python\n   {GOOD.replace(chr(10), chr(10) + '   ')}\n   ```",
        "async def double(x):\n    return 2 * x",
        f"```python\nimport math\n\n{GOOD}```\n```\n$ python double.py\n```",
        "```python\ndef double(x):\n    return '\\d' + x\n```",
    ],
)
def test_code_that_defines_the_function_counts(answer: str) -> None:
    assert defining_code(answer, "double") is not None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "You multiply it by two.",
        "def twice(x):\n    return 2 * x",
        "```python\ndef double(x)\n    return 2 * x\n```",
        f"```python\n{GOOD}x ==== 3\n```",
        '```python\ndef double(x):\n    """Double a',
        '```python\ndef double(x):\n    """Double a number."""\n    ret = (',
        "```python\ndef dou",
        "def double(x):\n    return '\0'",
    ],
)
def test_code_that_lacks_the_function_or_does_not_parse_does_not_count(answer: str) -> None:
    assert defining_code(answer, "double") is None


def test_a_long_answer_that_is_no_code_is_parsed_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parse = ast.parse
    monkeypatch.setattr(ast, "parse", lambda source: parsed.append(len(source)) or parse(source))
    prose = "Then one line follows the other, and none of them is code.\n" * 5000
    assert defining_code(f"```python\n{GOOD}{prose}", "double") == GOOD.rstrip("\n")
    assert defining_code(f"```python\n{GOOD}x = (\n{'y,' * 100}\n{prose}", "double") == GOOD.rstrip("\n")
    assert len(parsed) < 10


def test_rouge1_is_one_for_the_same_words_and_zero_for_none_shared() -> None:
    assert rouge1("The cat sat.", "the cat sat") == 1.0
    assert rouge1("dogs bark", "the cat sat") == 0.0
    assert rouge1("", "the cat sat") == 0.0


def test_rouge1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    precision, recall = 2 / 4, 2 / 3  # "the the" matches one "the"
    assert rouge1("the the cat ran", "the cat sat") == pytest.approx(2 * precision * recall / (precision + recall))


def test_only_text_counts_as_an_answer() -> None:
    assert answered("Yes.")
    assert not answered(" \n")
