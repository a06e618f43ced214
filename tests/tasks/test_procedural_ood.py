"""Questions out of distribution: reproducible, balanced, and like nothing trained on."""

import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest

from offbook.engine.students.corpus import ANSWER_LINE
from offbook.tasks import procedural
from offbook.tasks.answers import KINDS, extract
from offbook.tasks.procedural.ood import FAMILIES, SIZES, SPLITS, Question, generate, questions
from offbook.tasks.procedural.ood.difficulty import LEVELS
from offbook.tasks.prompts.generate import ngrams
from offbook.tasks.turns import take_turns

CASES = [(split, family) for family in FAMILIES for split in SPLITS]
MARGIN = Fraction(5, 100)


def chance(asked: list[Question]) -> Fraction:
    return sum((Fraction(1, len(q.choices)) for q in asked), Fraction(0)) / len(asked)


def body(question: Question) -> str:
    """The question without the sentence that lists the choices."""
    return re.sub(r" (?:Answer|Pick|Reply) [^.]+\.$", "", question.question)


def gram_set(texts: list[str]) -> set[tuple[str, ...]]:
    return {gram for text in texts for gram in ngrams(text)}


def test_there_are_six_families_of_thirty_and_twenty_questions() -> None:
    assert len(FAMILIES) == len(LEVELS) == 6
    assert {(len(questions("dev", f)), len(questions("test", f))) for f in FAMILIES} == {(20, 30)}
    assert SIZES == {"dev": 20, "test": 30}


@pytest.mark.parametrize(("split", "family"), CASES)
def test_a_question_depends_on_family_split_and_number_alone(split: str, family: str) -> None:
    assert generate(split, family, 40)[:20] == generate(split, family, 20)
    assert [q.id for q in generate(split, family, 2)] == [f"{family}-{split}-000", f"{family}-{split}-001"]


def test_another_process_makes_the_same_questions() -> None:
    code = (
        "from offbook.tasks.procedural.ood import FAMILIES, questions\nfor f in FAMILIES: print(questions('test', f))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [str(questions("test", family)) for family in FAMILIES]


@pytest.mark.parametrize(("split", "family"), CASES)
def test_a_question_names_its_choices_and_one_is_right(split: str, family: str) -> None:
    for q in questions(split, family):
        assert q.answer in q.choices
        assert len(set(q.choices)) == len(q.choices) == (2 if q.kind == "yes_no" else 3)
        assert q.kind in KINDS
        listed = "yes or no" if q.kind == "yes_no" else ", ".join(q.choices)
        assert q.question.endswith(f"{listed}.")
        assert body(q).endswith("?")


@pytest.mark.parametrize(("split", "family"), CASES)
def test_every_choice_is_understood_as_an_answer_and_only_as_itself(split: str, family: str) -> None:
    for q in questions(split, family):
        for choice in q.choices:
            assert extract(ANSWER_LINE.format(answer=choice), q.kind, q.choices) == choice


def test_no_question_comes_twice() -> None:
    every = [q.question for split, family in CASES for q in questions(split, family)]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize(("split", "family"), CASES)
def test_levels_and_templates_take_turns(split: str, family: str) -> None:
    templates = Counter(q.template for q in questions(split, family))
    assert set(templates) == {template.__name__ for template in FAMILIES[family][split]}
    assert max(templates.values()) - min(templates.values()) <= 1


@pytest.mark.parametrize(("split", "family"), CASES)
def test_the_best_constant_answer_is_near_chance(split: str, family: str) -> None:
    asked = questions(split, family)
    best = max(Counter(q.answer for q in asked).values())
    assert Fraction(best, len(asked)) <= chance(asked) + MARGIN


@pytest.mark.parametrize(("split", "family"), CASES)
def test_always_the_same_place_of_the_list_is_near_chance(split: str, family: str) -> None:
    asked = questions(split, family)
    best = max(Counter(q.choices.index(q.answer) for q in asked).values())
    assert Fraction(best, len(asked)) <= chance(asked) + MARGIN


@pytest.mark.parametrize(("split", "family"), CASES)
def test_always_the_first_mentioned_or_the_smallest_is_near_chance(split: str, family: str) -> None:
    asked = questions(split, family)
    ranks: Counter[int] = Counter()
    for q in asked:
        text = body(q)
        if family in ("swaps", "ordering") and "cup" not in text:
            order = sorted(q.choices, key=text.index)
        elif q.choices[0][0].isdigit():
            order = sorted(q.choices, key=lambda choice: int(choice.split()[0]))
        else:
            continue
        ranks[order.index(q.answer)] += 1
    for n in ranks.values():
        assert Fraction(n, ranks.total()) <= Fraction(1, 3) + 2 * MARGIN  # of no more than two thirds of the questions


def test_a_turn_takes_every_place_once() -> None:
    for n in (2, 3, 4):
        places = [take_turns("seed", number, n) for number in range(40 * n)]
        rounds = [tuple(places[start : start + n]) for start in range(0, len(places), n)]
        assert {tuple(sorted(turn)) for turn in rounds} == {tuple(range(n))}
        assert len(set(rounds)) > 1


def test_no_eight_words_are_shared_between_the_splits() -> None:
    dev, test = (gram_set([q.question for f in FAMILIES for q in generate(s, f, 200)]) for s in SPLITS)
    assert dev
    assert test
    assert not dev & test


def test_no_eight_words_are_shared_with_the_word_problems() -> None:
    told = [
        re.sub(r"\{[a-z]\}", "0", template.wording)
        for splits in procedural.FAMILIES.values()
        for templates in splits.values()
        for template in templates
    ]
    assert len(told) > 7
    assert not gram_set(told) & gram_set([q.question for split, family in CASES for q in questions(split, family)])


def test_families_in_and_out_of_distribution_have_different_names() -> None:
    assert not set(FAMILIES) & set(procedural.FAMILIES)


def test_an_unknown_split_or_family_is_refused() -> None:
    with pytest.raises(ValueError, match="split must be one of dev, test; got 'train'"):
        questions("train", "dates")
    with pytest.raises(ValueError, match=r"family must be one of dates, .*; got 'maths'"):
        questions("dev", "maths")
