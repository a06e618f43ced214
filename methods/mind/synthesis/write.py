"""A teacher writes rationales from every perspective; what the judge rejects is asked again, up to some attempts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from offbook.engine.training.corpus import Question, Rationale
from offbook.methods.mind.perspectives import PERSPECTIVES, Perspective, prompt
from offbook.methods.mind.synthesis.ask import Ask
from offbook.methods.mind.synthesis.closing import reclose
from offbook.methods.mind.synthesis.journal import Journal
from offbook.methods.mind.synthesis.judge import Candidate, reject
from offbook.methods.mind.synthesis.questions import Asked

ATTEMPTS = 4
Progress = Callable[[int, int, str], None]
_THOUGHT = "</think>"  # what a reasoning model says before it is between itself and the model


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a teacher wrote.

    Attributes:
        questions: with the rationales that passed; those without any are left out.
        retries: the share of a question's attempts that were retries, by id.
        rejected: how many attempts were rejected, by perspective and reason.
    """

    questions: tuple[Question, ...]
    retries: dict[str, float]
    rejected: Counter[tuple[str, str]]


def write(
    questions: Sequence[Asked],
    teacher: Journal,
    judge: Journal | None = None,
    *,
    licence: str,
    perspectives: Sequence[Perspective] = PERSPECTIVES,
    attempts: int = ATTEMPTS,
    progress: Progress = lambda done, total, message: None,
) -> Written:
    """Asks for a rationale of each question from each perspective, and again where it is rejected.

    Args:
        questions: what to explain.
        teacher: who writes.
        judge: who reads what arrives at the gold answer; None leaves it at the answer.
        licence: of what the teacher writes.
        perspectives: from which.
        attempts: in all, for one path.
        progress: is told how far the current round is.

    Raises:
        ValueError: a model cannot be asked; what was answered before is kept.
    """
    open_paths = [(question, perspective) for question in questions for perspective in perspectives]
    passed: dict[tuple[str, str], Rationale] = {}
    asked: Counter[str] = Counter()
    rejected: Counter[tuple[str, str]] = Counter()
    for attempt in range(attempts):
        if not open_paths:
            break
        asks = {
            (q, p): Ask(question=q.id, perspective=p.id, attempt=attempt, prompt=prompt(p, q.prompt))
            for q, p in open_paths
        }
        stage = f"attempt {attempt + 1}"
        texts = teacher.answers(list(asks.values()), partial(_told, progress, f"{stage}, teacher"))
        candidates = [
            Candidate(question=q, perspective=p, attempt=attempt, text=texts[ask].rpartition(_THOUGHT)[2].strip())
            for (q, p), ask in asks.items()
        ]
        reasons = reject(candidates, judge, partial(_told, progress, f"{stage}, judge"))
        asked.update(q.id for q, _ in open_paths)
        open_paths = []
        for c in candidates:
            ending = None if c in reasons else reclose(c.text, c.question.answer)
            if ending is None:
                rejected[c.perspective.id, reasons.get(c, "no reasoning")] += 1
                open_paths.append((c.question, c.perspective))
            else:
                text, span = ending
                passed[c.question.id, c.perspective.id] = Rationale(
                    perspective=c.perspective.id,
                    text=text,
                    answer_span=span,
                    provenance=teacher.model.name,
                    licence=licence,
                )
    return Written(
        questions=tuple(
            Question(id=q.id, question=q.prompt, answer=q.answer, category=q.category, rationales=tuple(rationales))
            for q in questions
            if (rationales := [passed[q.id, p.id] for p in perspectives if (q.id, p.id) in passed])
        ),
        retries={q.id: 1 - len(perspectives) / asked[q.id] for q in questions},
        rejected=rejected,
    )


def _told(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(done, total, stage)
