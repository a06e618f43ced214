"""What may be replayed while a student is trained, so that it forgets less: questions of kinds that are not read.

Answers are not part of it: a student replays what its own base model says.
"""

from collections.abc import Iterator

from offbook.tasks.forgetting.documents import REPLAY
from offbook.tasks.forgetting.generate import questions


def replay_questions() -> Iterator[tuple[str, str]]:
    """Every training question of the families for replay, with its id before it; without any wording around it."""
    for family in REPLAY:
        yield from ((question.id, question.question) for question in questions("train", family))
