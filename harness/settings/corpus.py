"""How much of a corpus is used: in one place for files and command lines, and without what is slow to import."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from offbook.harness.settings.bounds import Number


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """See the module.

    Attributes:
        questions: to train on, from the first, by default 256; those that overlap a test set are left out and not
            counted.
        dev_questions: for the development score, by default 70; procedural ones of the split dev, or the file's next.
        perspectives: of rationale rows, how many to keep, by default 8; those with the most rationales.
        retention_questions: of other kinds, that a trained student is asked once, by default none; development
            questions too, to choose among recipes by.
    """

    questions: Number = 256
    dev_questions: Number = 70
    perspectives: Number = 8
    retention_questions: Annotated[int, Ge(0)] = 0
