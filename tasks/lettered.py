"""A question with lettered options, as choice suites ask it."""

import re
from collections.abc import Sequence


def with_options(question: str, choices: Sequence[str]) -> str:
    """The question, and below it one option a line: ``(A) ...``."""
    options = [f"({chr(ord('A') + place)}) {choice}" for place, choice in enumerate(choices)]
    return "\n".join([question.rstrip(), "", *options])


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    """What `with_options` put together: the question and its options; none where the text has no list from (A) on."""
    question, *listed = re.split(r"(?<!\n)\n+\(([A-Z])\) ", text)
    letters, options = listed[::2], tuple(listed[1::2])
    in_order = letters == [chr(ord("A") + place) for place in range(len(letters))]
    return (question, options) if in_order else (text, ())


def without_options(text: str, question: str, choices: Sequence[str]) -> str:
    """A text that asks a question with its options, the last time that it does, asking the question alone."""
    before, listed, after = text.rpartition(with_options(question, choices))
    return f"{before}{question.rstrip()}{after}" if listed else text
