"""A question out of distribution, and the draft of one, before its answers are chosen."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that names the answers to choose from.

    Attributes:
        id: `<family>-<split>-<number>`.
        family: the kind of question.
        template: the wording, a name within its family.
        split: dev or test.
        question: what is asked, the choices included.
        answer: the right one of the choices.
        kind: how an answer is read, one of `offbook.tasks.answers.KINDS`.
        choices: in the order in which the question names them.
    """

    id: str
    family: str
    template: str
    split: str
    question: str
    answer: str
    kind: str
    choices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a template draws.

    Attributes:
        text: what is asked, without choices.
        candidates: possible answers in the order that a lazy reader could go by: by size, by the alphabet, by where the
            text mentions them.
        answer: the right one.
    """

    text: str
    candidates: tuple[str, ...]
    answer: str


Template = Callable[[Random, int], Draft]
"""Draws a question of a level (see `difficulty.LEVELS`); its name is the template's."""
