"""What students learn from, and how they are trained, as a file or the command line may say it."""

from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from offbook.engine.students.config import StudentConfig
from offbook.harness.settings.bounds import Number
from offbook.harness.settings.corpus import CorpusSettings
from offbook.harness.settings.derived import partial_of
from offbook.harness.settings.strict import Name, Strict

Rows = Literal["corpus", "rationale_rows"]
PROCEDURAL = "procedural"


class CorpusSpec(Strict):
    """What students learn from.

    Attributes:
        source: "procedural" (the embedded teacher's rationales), or a file in JSON Lines; a relative path is looked up
            in the current folder, then in the folder OFFBOOK_DATA names.
        format: of a file: "corpus" (`engine.students.corpus`) or "rationale_rows" (`tasks.rationales.synthesis`).
        questions, dev_questions, perspectives, retention_questions: see `CorpusSettings`.
    """

    source: Name = PROCEDURAL
    format: Rows = "corpus"
    questions: Number = CorpusSettings.questions
    dev_questions: Number = CorpusSettings.dev_questions
    perspectives: Number = CorpusSettings.perspectives
    retention_questions: Annotated[int, Ge(0)] = CorpusSettings.retention_questions


class _Training(Strict):
    """How students are trained; what is left out keeps the default of `engine.students.config.StudentConfig`."""


if TYPE_CHECKING:
    StudentTrainingSpec = _Training
else:
    StudentTrainingSpec = partial_of(StudentConfig, name="StudentTrainingSpec", base=_Training, leave_out=("seed",))
