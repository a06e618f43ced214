"""The embedded teacher: eight rationales of a problem, rendered from its graph and checked statement by statement.

It stands in for a language model where none can be run, and its rationales are right by construction. The wording is
a function of the problem's id and the perspective.
"""

from collections.abc import Iterable, Sequence
from random import Random

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.tasks.procedural import Problem
from offbook.tasks.rationales.perspectives import PERSPECTIVES
from offbook.tasks.rationales.renderers import RENDERERS
from offbook.tasks.rationales.statement_check import faults

PROVENANCE = "procedural"
LICENCE = "Apache-2.0"
IDS = tuple(perspective.id for perspective in PERSPECTIVES)


def teach(problem: Problem, perspectives: Sequence[str] = IDS) -> Question:
    """The problem as a question of a corpus, with a rationale from each perspective."""
    return Question(
        id=problem.id,
        question=problem.question,
        answer=problem.answer,
        category=problem.family,
        rationales=tuple(rationale(problem, perspective) for perspective in perspectives),
    )


def rationale(problem: Problem, perspective: str) -> Rationale:
    """One rationale of the problem.

    Raises:
        ValueError: no such perspective.
    """
    if perspective not in RENDERERS:
        msg = f"perspective must be one of {', '.join(RENDERERS)}; got {quoted(perspective)}; pass one of these"
        raise ValueError(msg)
    body = RENDERERS[perspective](problem, Random(f"offbook/{problem.id}/{perspective}"))
    text, span = close(body, problem.answer)
    found = faults(problem, perspective, text)
    assert not found, f"{problem.id}, {perspective}: {'; '.join(found)}"
    return Rationale(perspective=perspective, text=text, answer_span=span, provenance=PROVENANCE, licence=LICENCE)


def corpus(problems: Iterable[Problem], perspectives: Sequence[str] = IDS) -> Corpus:
    """The problems as a corpus, each with a rationale from each perspective."""
    return Corpus.of((teach(problem, perspectives) for problem in problems), perspectives)
