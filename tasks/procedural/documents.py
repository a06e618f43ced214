"""The procedural questions as documents, and the score of an answer: what the lm-eval tasks ask, callable from Python.

A document has the fields id, question, answer, kind (of `offbook.tasks.answers`), choices, empty for word problems, and
cluster: the story that it tells with numbers and people of its own, one of a few, so that its siblings are no
independent questions. Of word problems it also has `steps`, one or two, which are suites of their own.
The tasks evaluate the split test. Dev is for choosing a checkpoint or a setting: lm-eval's tasks carry it as their
validation split, and `documents` and `score` evaluate it without lm-eval.
"""

from typing import Any

from offbook.engine.quoting import quoted
from offbook.tasks import answers
from offbook.tasks.procedural import FAMILIES, Problem, ood, problems

ID_FAMILIES = tuple(FAMILIES)
OOD_FAMILIES = tuple(ood.FAMILIES)
STEPS = (1, 2)

Document = dict[str, Any]


def documents(family: str, split: str, *, steps: int | None = None) -> list[Document]:
    """The documents of a family, in distribution or out of it.

    Args:
        family: its name.
        split: train, dev or test.
        steps: of word problems, only those of so many steps; None for all.

    Raises:
        ValueError: an unknown family, or a split it lacks; or steps that are none of `STEPS`, or of no word problem.
    """
    if family not in (*ID_FAMILIES, *OOD_FAMILIES):
        known = ", ".join([*ID_FAMILIES, *OOD_FAMILIES])
        msg = f"family must be one of {known}; got {quoted(family)}; pass one of these"
        raise ValueError(msg)
    if family in OOD_FAMILIES:
        if steps is not None:
            msg = f"steps: expected none for {family}, which has no word problems, got {quoted(steps)}; leave it out"
            raise ValueError(msg)
        return [
            {
                "id": q.id,
                "question": q.question,
                "answer": q.answer,
                "kind": q.kind,
                "choices": list(q.choices),
                "cluster": f"{family}/{q.template}",
            }
            for q in ood.questions(split, family)
        ]
    if steps is not None and steps not in STEPS:
        msg = f"steps: expected one of {', '.join(map(str, STEPS))}, got {quoted(steps)}; pass one of these"
        raise ValueError(msg)
    return [word_problem(p) for p in problems(split, family) if steps in (None, len(p.steps))]


def word_problem(problem: Problem) -> Document:
    """A word problem as a document."""
    return {
        "id": problem.id,
        "question": problem.question,
        "answer": problem.answer,
        "kind": "number",
        "choices": [],
        "cluster": f"{problem.family}/{problem.template}",
        "steps": len(problem.steps),
    }


def score(doc: Document, text: str) -> float:
    """1 where the final answer of a text is the document's, else 0."""
    return answers.score(text, doc["answer"], doc["kind"], doc["choices"])
