"""A question with lettered options, as choice suites ask it."""

from collections.abc import Sequence


def with_options(question: str, choices: Sequence[str]) -> str:
    """The question, and below it one option a line: ``(A) ...``."""
    options = [f"({chr(ord('A') + place)}) {choice}" for place, choice in enumerate(choices)]
    return "\n".join([question.rstrip(), "", *options])
