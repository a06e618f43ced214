"""What is asked of a model, whichever model it is: the teacher, the judge or the student.

Two kinds of model answer: one that transformers runs here (`local_model.py`) and one behind a server (`server.py`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request.

    Attributes:
        question: the id of the question it is about.
        perspective: from which a rationale is wanted, or what else is wanted of the question.
        attempt: 0 for the first; a further one may be answered differently.
        prompt: the user's turn.
    """

    question: str
    perspective: str
    attempt: int
    prompt: str

    @property
    def seed(self) -> int:
        """Of this request alone, 31 bits: no other request or attempt shares it, nor does the order matter."""
        key = f"{self.question}\n{self.perspective}\n{self.attempt}\n{self.prompt}"
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1


Keep = Callable[[Ask, str], None]


class Model(Protocol):
    """A model that answers. An answer that cannot be used is an empty text."""

    @property
    def name(self) -> str:
        """By which rationales are attributed to it."""
        ...

    @property
    def settings(self) -> str:
        """What else determines its answers; answers under other settings do not stand in for these."""
        ...

    def answer(self, asks: Sequence[Ask], keep: Keep) -> None:
        """Answers requests in any order.

        `keep` is called with each answer as soon as it is there, maybe from another thread. An interruption leaves no
        answer behind that was received and not kept.

        Raises:
            ValueError: the model cannot be reached, or refuses.
        """
        ...
