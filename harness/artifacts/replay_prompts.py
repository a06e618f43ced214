"""What the untouched model is asked for replay: other questions than a corpus's, under the instruction of training.

Whatever gives pairs of an id and a question can stand among `SOURCES`. No suite may ask one, and none may be of a kind
that forgetting is read on, which is then read on what was not rehearsed; nor a word problem, which a student is to
learn to answer otherwise.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import instruct
from offbook.harness.records.hashing import canonical_sha256
from offbook.tasks.forgetting.replay import replay_questions
from offbook.tasks.prompts import load_prompts

Source = Callable[[], Iterable[tuple[str, str]]]

ANSWER_TOKENS = 96  # cap on an answer; what is cut is not replayed
# Asks as the families of `tasks.forgetting` do that forgetting is read on.
READ_KINDS = re.compile(r"the capital of|the opposite of|which month|(?:sowing|harvest) month", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ReplayPrompt:
    """A prompt with its id, which no other has, and the question in it."""

    id: str
    prompt: str
    question: str


def embedded_prompts() -> Iterator[tuple[str, str]]:
    """Questions about a text from the embedded training prompts, which suites do not ask: qa and extraction.

    Those of a kind that forgetting is read on are left out.
    """
    for category in ("qa", "extraction"):
        prompts = load_prompts("train", category)
        yield from ((prompt.id, prompt.prompt) for prompt in prompts if READ_KINDS.search(prompt.prompt) is None)


SOURCES: tuple[Source, ...] = (embedded_prompts, replay_questions)


def replay_prompts() -> list[ReplayPrompt]:
    """Every prompt of every source, worded as in training.

    Raises:
        ValueError: two of one id.
    """
    prompts: dict[str, ReplayPrompt] = {}
    for name, question in (pair for source in SOURCES for pair in source()):
        if name in prompts:
            msg = f"expected every replay prompt's id once, got {quoted(name)} twice; rename one in its source"
            raise ValueError(msg)
        prompts[name] = ReplayPrompt(id=name, prompt=instruct(question), question=question)
    return list(prompts.values())


def replay_prompts_sha256() -> str:
    """Hash of the prompts in their order and of the cap: with a base model, what decides what is replayed."""
    return canonical_sha256([ANSWER_TOKENS, [[prompt.id, prompt.prompt] for prompt in replay_prompts()]])
