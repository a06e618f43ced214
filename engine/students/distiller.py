"""The seam of distillation: a student, a rationale corpus and a config in; a checkpoint and a training record out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.complaints import complaint
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.replay import ReplayItem

Score = Callable[[PreTrainedModel], float]
Report = Callable[[int, int, str], object]
Answers = Sequence[tuple[Sequence[int], Sequence[int]]]  # prompts and what was said behind them, as token ids


class Options(BaseModel):
    """A method's own settings; each method derives its own and unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def check_corpus(self, corpus: Corpus) -> None:
        """Refuses a corpus that cannot be learned from under these settings, before any model is there.

        Raises:
            ValueError: what is missing.
        """


O = TypeVar("O", bound=Options)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One student to be trained by one method.

    Attributes:
        student: the untouched model, the job's own to change.
        tokenizer: its tokenizer.
        corpus: questions with rationales.
        config: the common settings.
        options: the method's own settings by name.
        told: the settings as records and fingerprints tell them, without private paths; by default as they are.
        folder: becomes the student's folder, loadable like any model.
        identity: what else determines the result (base model's hash, corpus' hash), written into the record.
        score: development score of a student in memory, higher is better.
        answers: a student's greedy answers to the development questions.
        retention: share of questions of other kinds, development questions too, that a student in memory answers
            rightly; asked once of the weights that are kept, and decides nothing; None: not asked.
        replay: what `StudentConfig.replay` is a share of.
        report: is told (gradient tokens done, budget, message).
        cache: folder of tables that trainings of one base model and corpus share; None: each makes its own.
        machine: describes, at the training's end, the machine it ran on, for the record.
        prepared_s: seconds spent on what is made once for a base model and corpus, by whichever training made it.
    """

    student: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    corpus: Corpus
    config: StudentConfig
    folder: Path
    identity: Mapping[str, str]
    score: Score
    answers: Callable[[PreTrainedModel], Answers] = lambda student: ()
    retention: Score | None = None
    replay: Sequence[ReplayItem] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] | None = None
    report: Report = lambda done, total, message: None
    cache: Path | None = None
    machine: Callable[[], Mapping[str, Any]] = dict
    prepared_s: float = 0.0

    def told_options(self) -> dict[str, Any]:
        """See `told`."""
        return dict(self.options if self.told is None else self.told)


class Distiller(Protocol):
    """One way to make a student from a corpus."""

    def __call__(self, job: Job) -> Path:
        """Trains the student into `job.folder` and returns it; an interrupted job goes on, a finished one is kept.

        Raises:
            ValueError: an option the method does not know, a corpus it cannot use, or a folder with another training.
        """
        ...


def read_options(job: Job, kind: type[O]) -> O:
    """The job's options as the method's settings; see `checked_options`."""
    return checked_options(job.options, kind)


def checked_options(options: Mapping[str, Any], kind: type[O]) -> O:
    """Options as a method's settings.

    Raises:
        ValueError: a setting the method does not have, or a value it cannot take.
    """
    plain = dict(options)
    try:
        return kind.model_validate_json(json.dumps(plain))  # as JSON, in which a list fills a tuple
    except ValidationError as error:
        known = ", ".join(kind.model_fields) or "none"
        told = complaint(error, plain).told("options")
        msg = f"{told}; the method's settings are: {known}"
        raise ValueError(msg) from error
