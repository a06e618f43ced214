"""What a student's exam leaves behind: its specification, what its training cost, and an answer a document.

An exam is all suites of one student, answered greedily in batches and scored by lm-eval. A student is (base model,
method with its settings, corpus, training seed); the untouched model sits the same exam. Kept beside the decoders'
records:

    store/exams/<student>-s<seed>-<key12>.json             its presence means done
    store/exams/<student>-s<seed>-<key12>-<hash8>.jsonl    its answers, written first
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from offbook.engine.complaints import complaint
from offbook.engine.files import write_once
from offbook.engine.quoting import quoted
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import HARNESS_SEMANTICS, canonical_sha256

SCHEMA_VERSION: Literal[1] = 1
UNTOUCHED = "untouched"

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class SuiteSpec(_Strict):
    """A suite of an exam.

    Attributes:
        name: of the lm-eval task.
        group: what its accuracy is pooled into: "id" (like the corpus) or "ood".
        fingerprint: hash of the task's configuration and documents.
        n_docs: documents asked, counted from the suite's first.
        origin: where the documents of a published data set come from, and whether they are a dev subset of it.
    """

    name: str
    group: Literal["id", "ood"]
    fingerprint: str
    n_docs: Positive
    origin: str | None = None


class ExamSpec(_Strict):
    """Everything that determines an exam's answers.

    Attributes:
        model: name of the base model.
        base_sha256: hash of its weights.
        student: what the tables call it: a method, or one with settings of its own ("mind, no attention").
        method: the distiller; "untouched" for the base model itself.
        options: the method's own settings.
        training: `engine.students.distiller.StudentConfig` as JSON; empty for the untouched model.
        corpus_sha256: hash of the corpus; None for the untouched model.
        helpers: hashes of other models that took part in training (text encoder, teacher), by what they did.
        seed: of training; 0 for the untouched model.
        weights_sha256: hash of the weights that sat the exam.
        suites: in order.
        max_new_tokens: cap on an answer.
        batch_size: documents answered at once; it moves the last bits of the logits.
        dtype: number format of the weights in the exam.
        chat_template: whether prompts went through the model's chat template.
        harness_semantics: version of how the harness trims and scores.
    """

    model: str
    base_sha256: str
    student: str
    method: str
    options: dict[str, JsonValue] = {}
    training: dict[str, JsonValue] = {}
    corpus_sha256: str | None = None
    helpers: dict[str, str] = {}
    seed: Count = 0
    weights_sha256: str
    suites: tuple[SuiteSpec, ...] = Field(min_length=1)
    max_new_tokens: Positive
    batch_size: Positive
    dtype: str
    chat_template: bool
    harness_semantics: int = HARNESS_SEMANTICS

    def key(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return canonical_sha256({"schema_version": SCHEMA_VERSION, **self.model_dump()})

    def setting(self) -> str:
        """The key without weights and seed: equal for the seeds of one student."""
        return self.model_copy(update={"weights_sha256": "", "seed": 0}).key()

    def rerun(self) -> str:
        """The setting without the mixed precision: equal for a rerun on whatever machine, which may choose another."""
        training = {name: value for name, value in self.training.items() if name != "mixed_precision"}
        return self.model_copy(update={"training": training}).setting()


class TrainingCost(_Strict):
    """What a student cost.

    Attributes:
        gradient_tokens: response tokens whose loss was differentiated, counted each time.
        kept_tokens: those behind the weights that were kept.
        distinct_sequences: how many different responses they belong to.
        steps: optimiser steps.
        mixed_precision: in which matrices were multiplied, whatever was asked; None in records written before it was
            kept, where what was asked was used.
        machine: manifest of the process that trained; empty in records written before it was kept.
        wall_s: seconds, development scores included.
        prepared_s: seconds of what its base model and corpus need once and its seeds share, such as the vectors of
            rationales; None in records written before it was measured.
        peak_bytes: largest resident memory (on CUDA: allocated memory) of the training process.
        dev_scores: development score at each evaluation; where a method has several, the best one's weights were kept.
    """

    gradient_tokens: Count
    kept_tokens: Count
    distinct_sequences: Count
    steps: Count
    mixed_precision: Literal["no", "bf16"] | None = None
    machine: dict[str, JsonValue] = {}
    wall_s: Seconds
    prepared_s: Seconds | None = None
    peak_bytes: Count
    dev_scores: tuple[float, ...] = ()


class AnswerRow(_Strict):
    """One document's answer.

    Attributes:
        suite: of the document.
        doc_id: its index there.
        doc_hash: its hash, as lm-eval computes it.
        tokens: how many new tokens the answer has.
        finished: whether the student ended it, rather than the cap.
        text: what was scored.
        score: the suite's main metric; 1 or 0 in offbook's own suites.
        choices: how many answers the question names to choose from; None in rows written before they were counted.
        cluster: documents of one are alike, such as one story with other numbers; "": alone.
    """

    suite: str
    doc_id: Count
    doc_hash: str
    tokens: Count
    finished: bool
    text: str
    score: float
    choices: Count | None = None
    cluster: str = ""


class ExamRecord(_Strict):
    """One finished exam; `rows_sha256` is filled in by `commit_exam`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    key: str
    spec: ExamSpec
    cost: TrainingCost | None
    metrics: dict[str, str]
    manifest: dict[str, JsonValue]
    rows_sha256: str = ""
    started_utc: datetime
    finished_utc: datetime
    wall_s: Seconds

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.key != self.spec.key():
            msg = f"expected key {self.spec.key()[:12]} of the specification, got {self.key[:12]}"
            raise ValueError(msg)
        if (self.cost is None) != (self.spec.method == UNTOUCHED):
            msg = f"expected a training cost for every student but {UNTOUCHED!r}, got {quoted(self.spec.method)}"
            raise ValueError(msg)
        if set(self.metrics) != {suite.name for suite in self.spec.suites}:
            msg = f"expected a metric of every suite, got those of {', '.join(self.metrics) or 'none'}"
            raise ValueError(msg)
        return self


class Exam(NamedTuple):
    """A record with its answers."""

    record: ExamRecord
    rows: tuple[AnswerRow, ...]

    def right(self) -> list[float]:
        """The scores of its answers in suites that are scored right or wrong; others are in no accuracy."""
        return [row.score for row in self.rows if is_accuracy(self.record.metrics[row.suite])]


def commit_exam(folder: Path, record: ExamRecord, rows: Sequence[AnswerRow]) -> None:
    """Makes an exam done: its answers first, then the record that holds their hash; an earlier one is kept."""
    data = "".join(row.model_dump_json() + "\n" for row in rows).encode("utf-8")
    record = record.model_copy(update={"rows_sha256": hashlib.sha256(data).hexdigest()})
    _check(record, rows)
    path = exam_path(folder, record.spec)
    if not path.exists():
        write_once(_rows_path(path, record), data)
        write_once(path, (record.model_dump_json(indent=1) + "\n").encode())


def retire_exam(folder: Path, key: str) -> None:
    """Removes an exam that another one has replaced: its record first, which makes it undone, then its answers."""
    for pattern in (f"*-{key[:12]}.json", f"*-{key[:12]}-*.jsonl"):
        for path in (folder / "exams").glob(pattern):
            path.unlink()


def has_exam(folder: Path, spec: ExamSpec) -> bool:
    """Whether this exam is done."""
    return exam_path(folder, spec).is_file()


def load_exams(folder: Path) -> list[Exam]:
    """All exams, ordered by file name; none where there is no such folder.

    Raises:
        ValueError: a file that is no exam of this version, or answers that are not the record's.
    """
    return [_load(path) for path in sorted((folder / "exams").glob("*.json")) if not path.name.startswith(".")]


def exam_path(folder: Path, spec: ExamSpec) -> Path:
    """Where an exam's record lies."""
    name = re.sub(r"[^a-z0-9]+", "-", spec.student.lower()).strip("-")[:60] or "student"
    return folder / "exams" / f"{name}-s{spec.seed}-{spec.key()[:12]}.json"


def _rows_path(path: Path, record: ExamRecord) -> Path:
    return path.with_name(f"{path.stem}-{record.rows_sha256[:8]}.jsonl")


def _load(path: Path) -> Exam:
    try:
        record = ExamRecord.model_validate_json(path.read_bytes())
        data = _rows_path(path, record).read_bytes()
        if hashlib.sha256(data).hexdigest() != record.rows_sha256:
            msg = "its answers have changed since"
            raise ValueError(msg)
        rows = tuple(AnswerRow.model_validate_json(line) for line in data.split(b"\n") if line)
        _check(record, rows)
    except (ValidationError, ValueError, OSError) as error:
        reason = (
            complaint(error).told("the whole") if isinstance(error, ValidationError) else str(error).splitlines()[0]
        )
        msg = f"{path.name}: expected an exam of this version of offbook, got {reason}; restore it, or delete it"
        raise ValueError(msg) from error
    return Exam(record, rows)


def _check(record: ExamRecord, rows: Sequence[AnswerRow]) -> None:
    """Every document of every suite once.

    Raises:
        ValueError: other documents.
    """
    asked = {suite.name: suite.n_docs for suite in record.spec.suites}
    found = {(row.suite, row.doc_id) for row in rows}
    counts = {name: sum(suite == name for suite, _ in found) for name in asked}
    if len(found) != len(rows) or counts != asked or len(rows) != sum(asked.values()):
        msg = f"expected {sum(asked.values())} answers to different documents, got {len(rows)}"
        raise ValueError(msg)
