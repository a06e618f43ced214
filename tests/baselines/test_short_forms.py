"""What is learned without a rationale's words: the answer line alone, and equations with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from offbook.baselines.distillation.answer_only import answer_only, answers
from offbook.baselines.distillation.equation_only import EquationOnlyOptions, equation_only, equations, equations_of
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import encode_corpus
from offbook.tasks.procedural import generate
from offbook.tasks.rationales.procedural_teacher import teach
from tests.baselines.distillation_job import TOKENIZER, corpus, job, record


def question(name: str, *bodies: str, answer: str = "12") -> Question:
    rationales = []
    for number, body in enumerate(bodies):
        text, span = close(body, answer)
        rationales.append(
            Rationale(perspective=f"p{number}", text=text, answer_span=span, provenance="test", licence="Apache-2.0")
        )
    return Question(id=name, question="How many?", answer=answer, rationales=tuple(rationales))


EQUATIONS = Corpus.of(
    [
        question(
            "a", "There is no sum here.", "First 3 x 2 = 6, so 6 + 6 = 12; again 6 + 6 = 12, and never 6 + 6 = 13."
        ),
        question("b", "Take 24 / 2 = 12."),
    ]
)


def test_the_answer_line_is_all_that_is_said_and_the_question_is_asked_as_ever() -> None:
    asked = encode_corpus(corpus(), TOKENIZER, max_length=400)
    for told, paths, source in zip(answers(corpus(), asked, TOKENIZER), asked, corpus().questions, strict=True):
        (response,) = told.responses
        assert response is not None
        assert told.prompt == paths.prompt
        assert TOKENIZER.decode([*response.tokens]) == f"The answer is {source.answer}.<|im_end|>"
        assert TOKENIZER.decode([response.tokens[i] for i in response.answer]) == source.answer


def test_equations_are_those_that_hold_of_the_first_rationale_with_any_each_once() -> None:
    asked = encode_corpus(EQUATIONS, TOKENIZER, max_length=400)
    said = []
    for told in equations(EQUATIONS, asked, TOKENIZER):
        (response,) = told.responses
        assert response is not None
        said.append(TOKENIZER.decode([*response.tokens]))
        assert TOKENIZER.decode([response.tokens[i] for i in response.answer]) == "12"
    assert said == [
        "3 x 2 = 6\n6 + 6 = 12\nThe answer is 12.<|im_end|>",
        "24 / 2 = 12\nThe answer is 12.<|im_end|>",
    ]


@pytest.mark.parametrize("family", ["shopping", "comparison"])
def test_every_problem_of_the_embedded_teacher_has_its_last_equation_end_in_the_answer(family: str) -> None:
    for problem in generate("train", family, 15):
        assert equations_of(teach(problem))[-1].split("=")[-1].strip() == problem.answer


def test_a_question_without_an_equation_is_named() -> None:
    words = Corpus.of([question("sorrow", "It is twice six.")])
    with pytest.raises(ValueError, match="question 'sorrow': expected an equation in numbers") as error:
        EquationOnlyOptions().check_corpus(words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("distil", "data"), [(answer_only, corpus()), (equation_only, EQUATIONS)])
def test_each_trains_a_student_on_one_sequence_a_question(
    distil: Callable[[Job], Path], data: Corpus, tmp_path: Path
) -> None:
    content = record(distil(job(tmp_path / "s", data, gradient_tokens=400)))
    assert content["distinct_sequences"] == len(data)
    with pytest.raises(ValueError, match="mood"):
        distil(job(tmp_path / "t", data, {"mood": "good"}))
