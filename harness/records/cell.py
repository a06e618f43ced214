"""A cell: one row of the leaderboard. Its specification is its key, its record what it leaves in the store.

A cell is (base model, student, decoding method, suite, seed, temperature). Its `CellSpec` holds everything that can
move a number of its row, and is hashed into the cell's key; the machine it ran on is in the manifest only.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, JsonValue, field_validator

from offbook.engine.decoding.generation import Generation
from offbook.engine.quoting import quoted
from offbook.harness.records.certificate import Certificate
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.drafter import DrafterId, DrafterInfo
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.origin import Origin
from offbook.harness.records.strict import AtRest, Count, Seconds
from offbook.harness.records.student import StudentId

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Limits

SCHEMA_VERSION: Literal[2] = 2
HARNESS_SEMANTICS = 3  # raise it when the harness scores, trims or counts differently: old cells are then other cells


class LimitsSpec(AtRest):
    """Where decoding stopped; see `engine.decoding.decoder.Limits`.

    Where a suite's documents have limits of their own, the largest cap and the stop strings of any; each one's are part
    of the suite's fingerprint.
    """

    max_new_tokens: Annotated[int, Field(ge=1)]
    eos_token_ids: tuple[int, ...] = ()
    stop_strings: tuple[str, ...] = ()

    @field_validator("eos_token_ids")
    @classmethod
    def _is_a_set(cls, ids: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(ids)))

    @classmethod
    def of(cls, limits: "Limits") -> Self:
        """The same limits as bytes can hold them."""
        return cls(
            max_new_tokens=limits.max_new_tokens,
            eos_token_ids=tuple(limits.eos_token_ids),
            stop_strings=limits.stop_strings,
        )


class CellSpec(AtRest):
    """Everything that determines a cell's tokens and scores.

    Attributes:
        model: name of the base model.
        revision: of a Hugging Face id, as it was asked for; None where none was.
        weights_sha256: hash of the weights that were loaded (the student's, where one was trained).
        settings_sha256: hash of what stands beside the weights and decides the text: configuration, generation
            settings, tokenizer, chat template; None in records written before it was kept.
        student: who was trained of the base model.
        decoder: name of the decoding method.
        made_by: whose code it is, where it is none of this repository's; else left out.
        decoder_config: its settings (tree depth, top-k ...), as JSON.
        drafter: whose weights drafted; None for decoders without any.
        layout: how the target's weights lie in memory.
        tuning: hash of what cut its rounds (`offbook tune`); left out where nothing did.
        suite: name of the lm-eval task.
        suite_fingerprint: hash of the task's configuration and documents.
        seed: seed of every random number.
        temperature, top_k, top_p: see `engine.decoding.sampling.Sampling`.
        limits: where decoding stops.
        dtype: number format of the target, e.g. "float32".
        n_docs: documents decoded, counted from the suite's first.
        chat_template: whether prompts went through the model's chat template.
        harness_semantics: version of how the harness trims, counts and scores.
    """

    model: str
    revision: str | None = None
    weights_sha256: str
    settings_sha256: str | None = None
    student: StudentId = StudentId()
    decoder: str
    made_by: Origin | None = Field(default=None, exclude_if=lambda origin: origin is None)
    decoder_config: dict[str, JsonValue] = Field(default={})
    drafter: DrafterId | None = None
    layout: str = "transformers"
    tuning: str | None = Field(default=None, exclude_if=lambda tuning: tuning is None)
    suite: str
    suite_fingerprint: str
    seed: int
    temperature: Annotated[float, Field(ge=0)]
    top_k: Count = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    limits: LimitsSpec
    dtype: str
    n_docs: Annotated[int, Field(ge=1)]
    chat_template: bool
    harness_semantics: int = HARNESS_SEMANTICS

    def key(self) -> str:
        """SHA-256 of the canonical JSON, in hex: moved by every field, not by the order of keys or by 1 against 1.0."""
        return canonical_sha256({"schema_version": SCHEMA_VERSION, **self.model_dump()})

    def setting(self) -> str:
        """The key of a rerun on another machine: without the drafter's weights, and without mixed precision.

        Training the same drafter again gives other bits where sums are taken in another order, and is part of what
        a rerun repeats. The same holds for a student's weights.
        """
        made_for = None if self.drafter is None else self.drafter.made_for
        variant = {} if self.drafter is None else self.drafter.variant
        weights = self.weights_sha256 if self.student.untouched else ""
        changes = {
            "drafter": None,
            "student": StudentId(),
            "weights_sha256": weights,
            "settings_sha256": None,
            "tuning": None if self.tuning is None else "",  # costs are measured anew too
        }
        plain = self.model_copy(update=changes).key()
        varied = [variant] if variant else []
        return canonical_sha256([plain, made_for, self.student.rerun(), self.student.seed, *varied])


class CellRecord(AtRest):
    """One finished cell.

    `trial` is the key of the heat's own specification, "" where it had none. `rows_file`, `rows_sha256` and `sha256`,
    the hash over all other fields, are filled in by `Store.commit`; `metric` names the score that stands for the suite.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    kind: Literal["cell"] = "cell"
    key: str
    trial: str = ""
    heat_id: str
    spec: CellSpec
    certificate: Certificate
    manifest: dict[str, JsonValue]
    drafter: DrafterInfo | None = None
    metric: str
    rows_file: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]*\.jsonl)?$")] = ""
    rows_sha256: str = ""
    started_utc: datetime
    finished_utc: datetime
    wall_s: Seconds
    sha256: str = ""

    def check_rows(self, rows: Sequence[DocumentRow]) -> None:
        """Whether these are the documents of the specification, each with a score.

        Raises:
            ValueError: they are not.
        """
        ids = {row.doc_id for row in rows}
        if len(rows) != self.spec.n_docs or len(ids) != len(rows):
            msg = f"expected {self.spec.n_docs} different documents, got {len(rows)} rows of {len(ids)} documents"
            raise ValueError(msg)
        without = next((row.doc_id for row in rows if self.metric not in row.scores), None)
        if without is not None:
            msg = f"expected a score {quoted(self.metric)} on every row, document {without} has none"
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A record with its documents, as tables read it."""

    record: CellRecord
    rows: tuple[DocumentRow, ...]

    @functools.cached_property
    def generations(self) -> tuple[Generation, ...]:
        """What the decoder returned for each document, in the order of the rows."""
        return tuple(row.generation() for row in self.rows)
