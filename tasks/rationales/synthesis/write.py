"""A teacher writes rationales from every perspective; what the judge rejects is asked again, up to some attempts.

The first one of a path that is rejected for stating another answer stays beside the right ones as a mistake.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PureWindowsPath

from offbook.engine.key_shapes import looks_like_a_key
from offbook.engine.students.corpus import Question, Rationale
from offbook.tasks.rationales.perspectives import PERSPECTIVES, Perspective, prompt
from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.closing import reclose
from offbook.tasks.rationales.synthesis.journal import Journal
from offbook.tasks.rationales.synthesis.judge import Candidate, reject
from offbook.tasks.rationales.synthesis.mistake import as_mistake
from offbook.tasks.rationales.synthesis.questions import Asked

ATTEMPTS = 4
Progress = Callable[[int, int, str], None]
_THOUGHT = "</think>"  # what a reasoning model says before it is between itself and the model


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a teacher wrote.

    Attributes:
        questions: with the rationales that passed and the mistakes; where no rationale passed, left out.
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
    mistaken: dict[tuple[str, str], Rationale] = {}
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
            path, reason = (c.question.id, c.perspective.id), reasons.get(c)
            ending = reclose(c.text, c.question.answer) if reason is None else None
            if ending is not None:
                passed[path] = _rationale(c, ending, told(teacher.model.name), licence)
                continue
            rejected[c.perspective.id, reason or "no reasoning"] += 1
            open_paths.append((c.question, c.perspective))
            if reason == "answer" and path not in mistaken and (wrong := as_mistake(c.question, c.text)) is not None:
                mistaken[path] = _rationale(c, wrong, told(teacher.model.name), licence)
    return Written(
        questions=tuple(
            Question(
                id=q.id,
                question=q.prompt,
                answer=q.answer,
                category=q.category,
                rationales=tuple(rationales),
                mistakes=tuple(mistaken[q.id, p.id] for p in perspectives if (q.id, p.id) in mistaken),
            )
            for q in questions
            if (rationales := [passed[q.id, p.id] for p in perspectives if (q.id, p.id) in passed])
        ),
        retries={q.id: 1 - len(perspectives) / asked[q.id] for q in questions},
        rejected=rejected,
    )


def told(model: str) -> str:
    """What a corpus calls its writer: of a path (servers name models by theirs) the last part, else the name.

    One that looks like a key is not told.
    """
    path = PureWindowsPath(model)  # which splits at both slashes
    name = path.name if path.anchor or model.startswith(("~", ".")) else model
    return "[model]" if looks_like_a_key(name) else name


def _rationale(candidate: Candidate, ending: tuple[str, tuple[int, int]], writer: str, licence: str) -> Rationale:
    text, span = ending
    return Rationale(
        perspective=candidate.perspective.id, text=text, answer_span=span, provenance=writer, licence=licence
    )


def _told(progress: Progress, stage: str, done: int, total: int) -> None:
    progress(done, total, stage)
