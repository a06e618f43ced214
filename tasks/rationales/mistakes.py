"""Mistaken rationales of a problem: one step solved by the wrong operation, told by the same renderer.

Renderer and wording are those of the right rationale, so that the two are alike up to the wrong step and what follows
from it (EDIT learns from the difference). A corpus with mistakes is made by

    Corpus.of(with_mistakes(teach(problem), problem) for problem in problems)
"""

from collections.abc import Sequence
from random import Random

from offbook.engine.students.corpus import Question, Rationale, close
from offbook.tasks.procedural import Problem
from offbook.tasks.procedural.generate import fits
from offbook.tasks.procedural.problem import OPERATIONS
from offbook.tasks.rationales.procedural_teacher import IDS, LICENCE, PROVENANCE
from offbook.tasks.rationales.renderers import RENDERERS

SMALLEST = 3  # a wrong answer of 2 leaves the analogy no smaller case


def with_mistakes(question: Question, problem: Problem) -> Question:
    """The problem's question with a mistake from each perspective of its rationales."""
    found = mistakes(problem, [rationale.perspective for rationale in question.rationales])
    return Question.model_validate({**dict(question), "mistakes": found})


def mistakes(problem: Problem, perspectives: Sequence[str] = IDS) -> tuple[Rationale, ...]:
    """A mistaken rationale from each perspective; none where every wrong operation gives numbers that are not easy.

    Each perspective draws its own mistake, as a function of the problem's id and its name.
    """
    wrong = mistaken(problem)
    return tuple(_rationale(problem, wrong, perspective) for perspective in perspectives) if wrong else ()


def mistaken(problem: Problem) -> list[Problem]:
    """The problem with one step solved by another operation, in every way that comes out easy and otherwise."""
    ways = [problem.with_op(step.key, op) for step in problem.steps for op in OPERATIONS if op != step.op]
    return [way for way in ways if fits(way) and way.answer != problem.answer and int(way.answer) >= SMALLEST]


def _rationale(problem: Problem, wrong: Sequence[Problem], perspective: str) -> Rationale:
    chosen = Random(f"offbook/{problem.id}/{perspective}/mistake").choice(wrong)
    body = RENDERERS[perspective](chosen, Random(f"offbook/{problem.id}/{perspective}"))
    text, span = close(body, chosen.answer)
    return Rationale(perspective=perspective, text=text, answer_span=span, provenance=PROVENANCE, licence=LICENCE)
