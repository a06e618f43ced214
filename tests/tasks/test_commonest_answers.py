"""Who always says one number is seldom right: the commonest answer's share of every embedded suite of open numbers."""

from collections import Counter

import pytest

from offbook.tasks.procedural.documents import ID_FAMILIES, OOD_FAMILIES, STEPS, documents
from offbook.tasks.prompts.generate import generate as prompts

POOLS = {
    f"{split}, steps: {steps}": [d for f in ID_FAMILIES for d in documents(f, split, steps=steps)]
    for split in ("dev", "test")
    for steps in STEPS
}
BOUNDS = {"dev, steps: 1": 0.08, "test, steps: 1": 0.055, "dev, steps: 2": 0.04, "test, steps: 2": 0.03}


def commonest(answers: list[str]) -> int:
    """How often the commonest answer is right."""
    return Counter(answers).most_common(1)[0][1]


@pytest.mark.parametrize("pool", POOLS)
def test_no_answer_is_right_for_many_word_problems(pool: str) -> None:
    answers = [doc["answer"] for doc in POOLS[pool]]
    assert commonest(answers) / len(answers) <= BOUNDS[pool]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("family", ID_FAMILIES)
def test_nor_for_many_of_a_family(family: str, steps: int) -> None:
    answers = [doc["answer"] for doc in documents(family, "test", steps=steps)]
    assert commonest(answers) <= 3


def test_nor_for_many_problems_of_the_prompts() -> None:
    answers = [row["answer"] for row in prompts("test") if row["category"] == "maths"]
    assert commonest(answers) / len(answers) <= 0.05


def test_no_other_embedded_suite_has_open_numbers() -> None:
    for family in OOD_FAMILIES:
        assert all(doc["choices"] for doc in documents(family, "test") if doc["kind"] == "number")


@pytest.mark.parametrize("n", [5, 10, 40])
def test_any_first_problems_are_as_balanced(n: int) -> None:
    first = [doc["answer"] for f in ID_FAMILIES for doc in documents(f, "test")[:n]]
    assert commonest(first) / len(first) <= 0.08
