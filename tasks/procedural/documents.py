"""The procedural questions as documents, and the score of an answer: what the lm-eval tasks ask, callable from Python.

A document has the fields id, question, answer, kind (of `offbook.tasks.answers`), choices, empty for word problems, and
cluster: the story that it tells with numbers and people of its own, one of a few, so that its siblings are no
independent questions.
The tasks evaluate the split test. Dev is for choosing a checkpoint or a setting: lm-eval's tasks carry it as their
validation split, and `documents` and `score` evaluate it without lm-eval.
"""

from typing import Any

from offbook.engine.quoting import quoted
from offbook.tasks import answers
from offbook.tasks.procedural import FAMILIES, ood, problems

ID_FAMILIES = tuple(FAMILIES)
OOD_FAMILIES = tuple(ood.FAMILIES)

Document = dict[str, Any]


def documents(family: str, split: str) -> list[Document]:
    """The documents of a family, in distribution or out of it.

    Raises:
        ValueError: an unknown family, or a split it lacks.
    """
    if family in OOD_FAMILIES:
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
    if family in ID_FAMILIES:
        return [
            {
                "id": p.id,
                "question": p.question,
                "answer": p.answer,
                "kind": "number",
                "choices": [],
                "cluster": f"{family}/{p.template}",
            }
            for p in problems(split, family)
        ]
    msg = f"family must be one of {', '.join([*ID_FAMILIES, *OOD_FAMILIES])}; got {quoted(family)}; pass one of these"
    raise ValueError(msg)


def score(doc: Document, text: str) -> float:
    """1 where the final answer of a text is the document's, else 0."""
    return answers.score(text, doc["answer"], doc["kind"], doc["choices"])
