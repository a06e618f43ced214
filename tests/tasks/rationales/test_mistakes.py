"""Mistaken rationales: they close with another answer, and differ from the right ones by one wrong step."""

from pathlib import Path
from random import Random

import pytest

from offbook.engine.students.corpus import Corpus, load_corpus, save_corpus
from offbook.tasks.procedural import FAMILIES, Problem, problems
from offbook.tasks.rationales.equalities import false_statements
from offbook.tasks.rationales.mistakes import mistaken, mistakes, with_mistakes
from offbook.tasks.rationales.procedural_teacher import IDS, rationale, teach
from offbook.tasks.rationales.renderers import analogy

PROBLEM = problems("train", "shopping")[0]


@pytest.fixture(scope="module")
def pool() -> list[Problem]:
    return [p for family in FAMILIES for split in ("train", "dev") for p in problems(split, family)[::3]]


def test_nearly_every_problem_has_a_mistake_from_every_perspective(pool: list[Problem]) -> None:
    found = [mistakes(problem) for problem in pool]
    assert all(tuple(m.perspective for m in some) in (IDS, ()) for some in found)
    assert sum(not some for some in found) / len(pool) < 0.02


def test_every_way_of_solving_a_problem_wrongly_has_a_simpler_case() -> None:
    ways = [way for problem in problems("train", "recipes") for way in mistaken(problem)]
    assert len(ways) > 200
    assert all(analogy.simpler(way, Random(0)).answer != way.answer for way in ways)


def test_a_mistake_closes_with_another_answer_and_its_sums_are_right(pool: list[Problem]) -> None:
    for problem in pool[::4]:
        for mistake in mistakes(problem):
            answer = mistake.text[slice(*mistake.answer_span)]
            assert answer != problem.answer
            assert mistake.text.endswith(f"\nThe answer is {answer}.")
            assert not list(false_statements(mistake.text)), "a wrong operation, worked out rightly"


def test_exactly_one_step_has_another_operation() -> None:
    for wrong in mistaken(PROBLEM):
        assert sum(a.op != b.op for a, b in zip(wrong.steps, PROBLEM.steps, strict=True)) == 1
        assert wrong.question == PROBLEM.question


def test_a_mistake_is_worded_like_the_right_rationale() -> None:
    right = rationale(PROBLEM, "decomposition").text.splitlines()
    (wrong,) = (m.text.splitlines() for m in mistakes(PROBLEM, ["decomposition"]))
    assert wrong[0] == right[0]
    assert [line.split("?")[0] for line in wrong[1:3]] == [line.split("?")[0] for line in right[1:3]]


def test_a_question_takes_mistakes_from_its_own_perspectives() -> None:
    question = with_mistakes(teach(PROBLEM, ["socratic", "planning"]), PROBLEM)
    assert question.rationales == teach(PROBLEM, ["socratic", "planning"]).rationales
    assert [m.perspective for m in question.mistakes] == ["socratic", "planning"]


def test_mistakes_are_the_same_every_time_and_survive_a_file(tmp_path: Path) -> None:
    corpus = Corpus.of(with_mistakes(teach(p), p) for p in problems("train", "recipes")[:3])
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl") == corpus
    assert mistakes(PROBLEM) == mistakes(PROBLEM)
