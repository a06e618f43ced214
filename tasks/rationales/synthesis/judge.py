"""Judges a rationale: does it arrive at the gold answer, and (another model says) did it keep to its perspective.

The answer is compared first, as a number, a letter or an expression; only what passes is shown to the judging model,
once for each criterion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offbook.tasks import answers
from offbook.tasks.rationales.perspectives import Perspective
from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.journal import Journal, Progress
from offbook.tasks.rationales.synthesis.questions import Asked

CRITERIA: Mapping[str, str] = {
    "perspective": "Does the solution follow this way of thinking: {contract}?",
    "consistency": "Is every step of the solution free of contradictions with its final answer?",
}
REQUEST = "Problem: {question}\n\nSolution:\n{text}\n\n{criterion} Reply with one word, yes or no."


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A rationale to judge: `text` as the teacher wrote it."""

    question: Asked
    perspective: Perspective
    attempt: int
    text: str


def reject(candidates: Sequence[Candidate], judge: Journal | None, progress: Progress) -> dict[Candidate, str]:
    """The rejected candidates and the reason: "answer", or the criterion of `CRITERIA` that is not met.

    Raises:
        ValueError: the judge cannot be asked.
    """
    rejected = {c: "answer" for c in candidates if not c.question.is_answered_by(c.text)}
    if judge is None:
        return rejected
    asks = {(c, name): _ask(c, name) for c in candidates if c not in rejected for name in CRITERIA}
    replies = judge.answers(list(asks.values()), progress)
    for (candidate, name), ask in asks.items():
        if answers.extract(replies[ask], "yes_no") != "yes":  # a reply that is neither is no
            rejected.setdefault(candidate, name)
    return rejected


def _ask(candidate: Candidate, criterion: str) -> Ask:
    asked = CRITERIA[criterion].format(contract=candidate.perspective.contract)
    return Ask(
        question=candidate.question.id,
        perspective=f"{candidate.perspective.id}, {criterion}",
        attempt=candidate.attempt,
        prompt=REQUEST.format(question=candidate.question.prompt, text=candidate.text, criterion=asked),
    )
