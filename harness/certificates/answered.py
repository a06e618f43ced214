"""What a comparison of answers needs to know of one."""

from collections.abc import Sequence
from typing import Protocol


class Answered(Protocol):
    """What two sides said to one document; a `DocumentRow` is one."""

    @property
    def doc_id(self) -> int:
        """Of the document."""
        ...

    @property
    def doc_hash(self) -> str:
        """Of its content."""
        ...

    @property
    def prompt_tokens(self) -> int:
        """How many."""
        ...

    @property
    def tokens(self) -> Sequence[int]:
        """The answer."""
        ...

    @property
    def finish_reason(self) -> str:
        """Why it ended."""
        ...
