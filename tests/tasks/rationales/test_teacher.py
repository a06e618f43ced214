"""The embedded teacher: eight rationales of every problem, right, alike only in their answer line, and checked."""

import itertools
import re
from pathlib import Path
from random import Random

import pytest

from offbook.engine.students.corpus import close, load_corpus, save_corpus
from offbook.tasks.procedural import FAMILIES, Problem, problems
from offbook.tasks.rationales.perspectives import PERSPECTIVES, prompt
from offbook.tasks.rationales.procedural_teacher import IDS, corpus, rationale, teach
from offbook.tasks.rationales.renderers import RENDERERS, analogy, contrastive, counterfactual
from offbook.tasks.rationales.statement_check import RULES, faults

PROBLEM = problems("train", "shopping")[0]
OVERLAP = 0.25


@pytest.fixture(scope="module")
def pool() -> list[Problem]:
    return [p for family in FAMILIES for split in ("train", "dev", "test") for p in problems(split, family)[:45]]


def closed(text: str, answer: str) -> str:
    return close(text, answer)[0]


def four_grams(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+|[^\w\s]", text.rsplit("\n", 1)[0].lower())
    return {tuple(words[i : i + 4]) for i in range(len(words) - 3)}


def pieces(text: str) -> int:
    """About as many tokens as SmolLM2's tokenizer makes: every digit is one."""
    return len(re.findall(r"\d|[A-Za-z]+|[^\w\s]", text))


def test_there_are_eight_perspectives_each_with_a_renderer_and_a_rule() -> None:
    assert len(IDS) == 8
    assert set(IDS) == set(RENDERERS) == set(RULES)


def test_every_rationale_of_every_problem_is_free_of_faults(pool: list[Problem]) -> None:
    assert len(pool) > 600
    for problem in pool:
        for perspective, render in RENDERERS.items():
            text = closed(render(problem, Random(len(problem.question))), problem.answer)
            assert faults(problem, perspective, text) == [], (problem.id, perspective)


def test_a_question_is_taught_from_every_perspective_with_one_answer_line(pool: list[Problem]) -> None:
    for problem in pool[::4]:
        question = teach(problem)
        assert (question.id, question.question, question.answer, question.category) == (
            problem.id,
            problem.question,
            problem.answer,
            problem.family,
        )
        assert tuple(r.perspective for r in question.rationales) == IDS
        assert {r.text.rsplit("\n", 1)[1] for r in question.rationales} == {f"The answer is {problem.answer}."}
        assert {r.text[slice(*r.answer_span)] for r in question.rationales} == {problem.answer}
        assert {(r.provenance, r.licence) for r in question.rationales} == {("procedural", "Apache-2.0")}


def test_perspectives_of_a_question_share_few_four_grams(pool: list[Problem]) -> None:
    for problem in pool[::3]:
        for one, other in itertools.combinations(teach(problem).rationales, 2):
            a, b = four_grams(one.text), four_grams(other.text)
            assert len(a & b) / len(a | b) < OVERLAP, (problem.id, one.perspective, other.perspective)


def test_two_copies_of_one_rationale_would_exceed_the_bound() -> None:
    text = rationale(PROBLEM, "planning").text
    assert len(four_grams(text) & four_grams("So: " + text)) / len(four_grams("So: " + text)) > OVERLAP


def test_rationales_are_short_and_each_perspective_has_several_wordings(pool: list[Problem]) -> None:
    for perspective in IDS:
        texts = [rationale(problem, perspective).text for problem in pool[::4]]
        assert 30 <= sum(map(pieces, texts)) / len(texts) <= 90, perspective
        assert max(map(pieces, texts)) <= 90, perspective
        one_step = [rationale(problem, perspective).text for problem in pool[::4] if len(problem.steps) == 1]
        assert len(one_step) > 50
        assert max(map(pieces, one_step)) <= 75, perspective
        assert len({text.split()[0] for text in texts}) >= 2, perspective


def test_no_rationale_names_its_perspective(pool: list[Problem]) -> None:
    names = re.compile(r"formal|symbolic|intuit|decompos|analog|socratic|contrast|counterfact", re.IGNORECASE)
    for problem in pool[::4]:
        assert not [r.text for r in teach(problem).rationales if names.search(r.text)]


def test_rationales_are_the_same_every_time() -> None:
    assert teach(PROBLEM) == teach(PROBLEM)


def test_an_unknown_perspective_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match=r"formal_symbolic, .*counterfactual; got 'poetic'"):
        rationale(PROBLEM, "poetic")


def test_a_corpus_of_the_teacher_can_be_saved_and_loaded(tmp_path: Path) -> None:
    taught = corpus(problems("dev", "recipes")[:3])
    save_corpus(tmp_path / "corpus.jsonl", taught)
    assert load_corpus(tmp_path / "corpus.jsonl") == taught
    assert taught.perspectives == IDS
    assert bool(taught.path_mask.all())


def test_a_prompt_asks_for_one_perspective_and_the_common_answer_line() -> None:
    for perspective in PERSPECTIVES:
        text = prompt(perspective, PROBLEM.question)
        assert perspective.contract in text
        assert "Finish with one line: The answer is ..." in text
        assert text.endswith(PROBLEM.question)


def test_candidates_are_wrong_and_their_values_appear_in_no_right_step(pool: list[Problem]) -> None:
    for problem in pool:
        found = contrastive.candidates(problem)
        assert found
        first = problem.values[problem.steps[0].key] if len(problem.steps) > 1 else None
        for candidate in found:
            assert str(candidate.value) != problem.answer
            assert candidate.value == first or candidate.value not in problem.values.values()


def test_a_simpler_case_has_no_larger_number_and_another_answer(pool: list[Problem]) -> None:
    for problem in pool[::3]:
        small = analogy.simpler(problem, Random(0))
        assert small.answer != problem.answer
        assert all(a.value <= b.value for a, b in zip(small.givens, problem.givens, strict=True))


def test_the_decisive_condition_moves_the_answer_most() -> None:
    given, changed = counterfactual.decisive(PROBLEM, Random(0))
    assert given.key == "n"
    assert abs(int(changed.answer) - 73) == 9
