"""What an exam leaves behind: its specification, what its training cost, and an answer a document.

An exam is all suites of one student, answered greedily in batches and scored by lm-eval; the untouched model sits the
same one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, JsonValue, model_validator

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import HARNESS_SEMANTICS, SCHEMA_VERSION
from offbook.harness.records.choice_scores import ChoiceScores
from offbook.harness.records.divergence import TextDivergence
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.strict import AtRest, Count, NotNegative, Positive, Seconds, Share
from offbook.harness.records.student import StudentId
from offbook.tasks.exam_groups import Group

MEASURES = 1  # raise it when something else is measured beside the answers: old exams are then other exams


class SuiteSpec(AtRest):
    """A suite of an exam.

    Attributes:
        name: of the lm-eval task.
        group: what its accuracy is pooled into; see `tasks.exam_groups`.
        fingerprint: hash of the task's configuration and documents.
        n_docs: documents asked, counted from the suite's first.
        origin: where the documents of a published data set come from, and whether they are a dev subset of it.
    """

    name: str
    group: Group
    fingerprint: str
    n_docs: Positive
    origin: str | None = None


class SittingSpec(AtRest):
    """Everything that determines an exam's answers.

    Attributes:
        model: name of the base model.
        revision: of a Hugging Face id, as it was asked for; None where none was.
        base_sha256: hash of its weights.
        student: who was trained of it.
        weights_sha256: hash of the weights that sat the exam.
        settings_sha256: hash of what stands beside the weights and decides the text: configuration, generation
            settings, tokenizer, chat template; None in records written before it was kept.
        suites: in order.
        max_new_tokens: cap on an answer; None for each document's own.
        batch_size: documents answered at once; it moves the last bits of the logits.
        dtype: number format of the weights in the exam.
        layout: how they lie in memory.
        chat_template: whether prompts went through the model's chat template.
        harness_semantics: version of how the harness trims and scores.
        measures: version of what is measured beside the answers, `MEASURES`; None in records written before anything
            was. It decides no answer, so that exams of both kinds may be compared.
    """

    model: str
    revision: str | None = None
    base_sha256: str
    student: StudentId = StudentId()
    weights_sha256: str
    settings_sha256: str | None = None
    suites: tuple[SuiteSpec, ...] = Field(min_length=1)
    max_new_tokens: Positive | None
    batch_size: Positive
    dtype: str
    layout: str = "transformers"
    chat_template: bool
    harness_semantics: int = HARNESS_SEMANTICS
    measures: Count | None = Field(default=None, exclude_if=lambda measures: measures is None)

    def key(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return canonical_sha256({"schema_version": SCHEMA_VERSION, **self.model_dump()})

    def setting(self) -> str:
        """The key without what a seed decides: equal for the seeds of one student."""
        return self._of(self.student.setting())

    def rerun(self) -> str:
        """The setting without the mixed precision: equal for a rerun on whatever machine, which may choose another."""
        return self._of(self.student.rerun())

    def _of(self, student: str) -> str:
        unasked = {"weights_sha256": "", "settings_sha256": None, "measures": None}
        plain = self.model_copy(update={**unasked, "student": StudentId()})
        return canonical_sha256([plain.model_dump(), student])


class ReplayCost(AtRest):
    """What was replayed beside the questions.

    Attributes:
        items: answers of the untouched model that there were.
        sha256: of all of them.
        tokens: of them that were learned, counted each time; among the gradient tokens.
    """

    items: Positive
    sha256: str
    tokens: Count


class TrainingCost(AtRest):
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
        dev_scores: development score at each evaluation.
        saved_dtype: number format that its weights are stored in; None in records written before there was a choice.
        dtype_scores: development score of the kept weights by number format, where both were scored.
        averaged_steps: steps whose weights were averaged into the kept ones; left out where the best were kept.
        kept_score: development score of the kept weights, before they were rounded; left out where none is known, and
            in records written before it was kept.
        replay: what was replayed; left out for nothing.
        dev_questions: how many questions a development score is over; left out in records written before it was kept.
        retention: share of development questions of other kinds that the kept weights answer rightly; left out where
            none were asked.
        retention_questions: how many of these.
        tries: settings of its method that were tried on development questions before these were chosen, these among
            them; left out where nobody said.
        activity: what says that the parts of its method acted, where it logs that; see `artifacts.activity`.
        perspective: the golden one, where the method was to find it.
    """

    gradient_tokens: Count
    kept_tokens: Count
    distinct_sequences: Count
    steps: Count
    mixed_precision: Literal["no", "bf16"] | None = None
    machine: dict[str, JsonValue] = Field(default={})
    wall_s: Seconds
    prepared_s: Seconds | None = None
    peak_bytes: Count
    dev_scores: tuple[float, ...] = ()
    saved_dtype: str | None = Field(default=None, exclude_if=lambda dtype: dtype is None)
    dtype_scores: dict[str, float] = Field(default={}, exclude_if=lambda scores: not scores)
    averaged_steps: Count | None = Field(default=None, exclude_if=lambda steps: steps is None)
    kept_score: float | None = Field(default=None, exclude_if=lambda score: score is None)
    replay: ReplayCost | None = Field(default=None, exclude_if=lambda replay: replay is None)
    dev_questions: Positive | None = Field(default=None, exclude_if=lambda count: count is None)
    retention: Share | None = Field(default=None, exclude_if=lambda share: share is None)
    retention_questions: Positive | None = Field(default=None, exclude_if=lambda count: count is None)
    tries: Positive | None = Field(default=None, exclude_if=lambda tries: tries is None)
    activity: dict[str, float] = Field(default={}, exclude_if=lambda activity: not activity)
    perspective: str | None = Field(default=None, exclude_if=lambda perspective: perspective is None)


class AnswerRow(AtRest):
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
        by_choice: of a question that names its choices, which one the answer names and how likely each was; None of
            others, and in rows written before it was measured.
        gold_nll: of a question in distribution without choices, -ln P(right answer | prompt, the answer's own
            rationale, "The answer is"), in nats; None of others, and in rows written before it was measured.
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
    by_choice: ChoiceScores | None = Field(default=None, exclude_if=lambda scores: scores is None)
    gold_nll: NotNegative | None = Field(default=None, exclude_if=lambda nats: nats is None)


class ExamRecord(AtRest):
    """One finished exam.

    `trial` is the key of the exam's own specification, "" where it had none. `rows_file`, `rows_sha256` and `sha256`,
    the hash over all other fields, are filled in by `Store.commit`. `divergence` is a student's from its base model,
    text by text; empty of the untouched model, and in records written before it was measured.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    kind: Literal["exam"] = "exam"
    key: str
    trial: str = ""
    spec: SittingSpec
    cost: TrainingCost | None
    metrics: dict[str, str]
    divergence: tuple[TextDivergence, ...] = Field(default=(), exclude_if=lambda texts: not texts)
    manifest: dict[str, JsonValue]
    rows_file: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]*\.jsonl)?$")] = ""
    rows_sha256: str = ""
    started_utc: datetime
    finished_utc: datetime
    wall_s: Seconds
    sha256: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.cost is None) != self.spec.student.untouched:
            msg = f"expected a training cost for every student but the untouched model, got {self.spec.student.name!r}"
            raise ValueError(msg)
        if set(self.metrics) != {suite.name for suite in self.spec.suites}:
            msg = f"expected a metric of every suite, got those of {', '.join(self.metrics) or 'none'}"
            raise ValueError(msg)
        return self

    def check_rows(self, rows: Sequence[AnswerRow]) -> None:
        """Whether these are every document of every suite, once.

        Raises:
            ValueError: they are not.
        """
        asked = {suite.name: suite.n_docs for suite in self.spec.suites}
        found = {(row.suite, row.doc_id) for row in rows}
        counts = {name: sum(suite == name for suite, _ in found) for name in asked}
        if len(found) != len(rows) or counts != asked or len(rows) != sum(asked.values()):
            msg = f"expected {sum(asked.values())} answers to different documents, got {len(rows)}"
            raise ValueError(msg)


class Exam(NamedTuple):
    """A record with its answers."""

    record: ExamRecord
    rows: tuple[AnswerRow, ...]

    def right(self) -> list[float]:
        """The scores of its answers in suites that are scored right or wrong; others are in no accuracy."""
        return [row.score for row in self.rows if is_accuracy(self.record.metrics[row.suite])]
