"""How hard a question is for the student, d = 1 − pass@k, and which questions are kept: the hard ones all.

pass@k is estimated without bias from n ≥ k samples of which c are right: 1 − C(n−c, k) / C(n, k).
"""

import math
from collections.abc import Mapping, Sequence
from random import Random

from offbook.engine.students.corpus import instruct
from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.journal import Journal, Progress
from offbook.tasks.rationales.synthesis.questions import Asked

K = 8
HARD = 0.5
TARGET_SIZE = 497  # questions of MIND's corpus


def pass_at_k(n: int, right: int, k: int) -> float:
    """The chance that at least one of k samples is right, from n samples of which `right` are.

    Raises:
        ValueError: fewer samples than k.
    """
    if not 1 <= k <= n or not 0 <= right <= n:
        msg = f"expected 1 <= k <= samples and 0 <= right <= samples, got k {k}, samples {n}, right {right}"
        raise ValueError(msg)
    return 1 - math.comb(n - right, k) / math.comb(n, k)


def difficulties(
    questions: Sequence[Asked],
    student: Journal,
    *,
    samples: int = K,
    k: int = K,
    progress: Progress = lambda done, total: None,
) -> dict[str, float]:
    """The difficulty d of each question, by id.

    Args:
        questions: to measure.
        student: the untouched student, drawing at temperature 1.
        samples: of each question.
        k: of pass@k.
        progress: is told how many samples there are.

    Raises:
        ValueError: fewer samples than k.
    """
    pass_at_k(samples, 0, k)  # rather now than after an hour of sampling
    asks = {
        q.id: [
            Ask(question=q.id, perspective="student", attempt=attempt, prompt=instruct(q.prompt))
            for attempt in range(samples)
        ]
        for q in questions
    }
    texts = student.answers([ask for several in asks.values() for ask in several], progress)
    return {q.id: 1 - pass_at_k(samples, sum(q.is_answered_by(texts[ask]) for ask in asks[q.id]), k) for q in questions}


def choose(
    questions: Sequence[str], difficulty: Mapping[str, float], retries: Mapping[str, float], *, size: int, seed: int
) -> list[str]:
    """The ids of the questions to keep, in their order.

    Every hard one (d ≥ 0.5) stays, even beyond `size`; the places left go to the hardest of the others. Ours: with as
    many samples as k, d is 0 or 1, so that the share of retries orders the easy questions, and where that ties too,
    the seed.

    Args:
        questions: all ids.
        difficulty: d by id; a question without one counts as easy.
        retries: the share of the teacher's attempts that were retries, by id.
        size: how many to keep.
        seed: of the draw.
    """
    hard = {q for q in questions if difficulty.get(q, 0.0) >= HARD}
    drawn = Random(seed).sample(list(questions), len(questions))
    easy = sorted(
        (q for q in drawn if q not in hard), key=lambda q: (-difficulty.get(q, 0.0), -retries.get(q, 0.0))
    )  # fmt: skip
    kept = hard | set(easy[: max(0, size - len(hard))])
    return [q for q in questions if q in kept]
