"""What students learn from, and how they are trained, as a file or the command line may say it."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from offbook.engine.students.config import StudentConfig
from offbook.harness.settings.derived import partial_of
from offbook.harness.settings.strict import Name, Strict

Group = Literal["id", "ood"]
Rows = Literal["corpus", "rationale_rows"]
PROCEDURAL = "procedural"


class CorpusSpec(Strict):
    """What students learn from.

    Attributes:
        source: "procedural" (the embedded teacher's rationales), or a file in JSON Lines; a relative path is looked up
            in the current folder, then in the folder OFFBOOK_DATA names.
        format: of a file: "corpus" (`engine.students.corpus`) or "rationale_rows" (`tasks.rationales.synthesis`).
        questions: to train on, from the first; those that overlap a test set are left out and not counted.
        dev_questions: for the development score: procedural ones of the split dev, or the file's next ones.
        perspectives: of rationale rows, how many to keep, those with the most rationales.
    """

    source: Name = PROCEDURAL
    format: Rows = "corpus"
    questions: int = Field(default=256, ge=1)
    dev_questions: int = Field(default=70, ge=1)
    perspectives: int = Field(default=8, ge=1)


class _Training(Strict):
    """How students are trained; what is left out keeps the default of `engine.students.config.StudentConfig`."""


if TYPE_CHECKING:
    StudentTrainingSpec = _Training
else:
    StudentTrainingSpec = partial_of(StudentConfig, name="StudentTrainingSpec", base=_Training, leave_out=("seed",))
