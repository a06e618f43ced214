"""A rationale whose answer is wrong, kept as a mistake (EDIT learns from them): closed by the line of its own answer.

Ours: it has to state that answer at its close. A number that is merely mentioned last may be a given or come from a
step half done, and a rationale that was cut off would count as wrong.
"""

import re

from offbook.tasks.rationales.synthesis.closing import closing, reclose
from offbook.tasks.rationales.synthesis.questions import Asked

_NO_ANSWER = re.compile(r"\b(?:not|cannot|unknown|impossible|undetermined)\b|n['’]t\b", re.IGNORECASE)
_OPPOSITE = {"yes": "no", "no": "yes", "true": "false", "false": "true"}


def as_mistake(question: Asked, text: str) -> tuple[str, tuple[int, int]] | None:
    """A rationale closed by its own wrong answer, and that answer's span; None where it is no mistake.

    Args:
        question: with the gold answer.
        text: what was written, with its closing line.

    Raises:
        SuiteUnavailableError: as `Asked.is_answered_by`.
    """
    stated = closing(text)
    answer = question.answer_in(stated)
    if answer is None or question.is_answered_by(stated):
        return None
    if question.kind != "yes_no" and _NO_ANSWER.search(stated):
        return None
    if question.answer.replace(",", "").startswith(answer):  # the right answer, cut off
        return None
    return reclose(text, _worded(question, answer))


def _worded(question: Asked, answer: str) -> str:
    """A wrong answer in the gold one's words: False beside True, where "no" was found."""
    if question.kind != "yes_no":
        return answer
    gold = question.answer
    return _OPPOSITE[gold.lower()].capitalize() if gold[0].isupper() else _OPPOSITE[gold.lower()]
