"""A certificate of `offbook certify` beside what it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Certified:
    """What `offbook certify` found.

    Attributes:
        subject: who was tested, on what.
        paragraph: what was tested and found, for people.
        text: the whole certificate, as its file holds it.
    """

    subject: Mapping[str, Any]
    paragraph: str
    text: str

    def check(self, what: str, sha256: str, folder: Path) -> None:
        """Whether it is about a checkpoint.

        Args:
            what: the field of the subject that names it.
            sha256: its hash.
            folder: where it lies.

        Raises:
            ValueError: it is about another one.
        """
        if (found := self.subject.get(what)) != sha256:
            msg = (
                f"{folder}: expected a certificate of it ({sha256[:12]}), got one of {str(found)[:12]}; run "
                f"`offbook certify {folder}`"
            )
            raise ValueError(msg)
