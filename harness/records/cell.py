"""What a finished cell leaves in the store: its specification, certificate, manifest and per-document rows.

A cell is (base model, training method, decoding method, suite, seed, temperature). Its `CellSpec` holds everything
that can move a number of its row, and is hashed into the cell's key; the machine it ran on is in the manifest only.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import FinishReason, Generation, Round

SCHEMA_VERSION: Literal[1] = 1
HARNESS_SEMANTICS = 3  # raise it when the harness scores, trims or counts differently: old cells are then other cells

CertificateKind = Literal["greedy_identity", "sampling_distribution", "baseline"]
Verdict = Literal["lossless", "ties", "differs", "baseline", "not_tested"]

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class LimitsSpec(_Strict):
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
    def of(cls, limits: Limits) -> Self:
        """The same limits as bytes can hold them."""
        return cls(
            max_new_tokens=limits.max_new_tokens,
            eos_token_ids=tuple(limits.eos_token_ids),
            stop_strings=limits.stop_strings,
        )


class CellSpec(_Strict):
    """Everything that determines a cell's tokens and scores.

    Attributes:
        model: name of the base model.
        weights_sha256: hash of the weights that were loaded (the student's, where one was trained).
        training: training method; "untouched" for the base model itself.
        decoder: name of the decoding method.
        decoder_config: its settings (tree depth, top-k ...), as JSON.
        drafter_fingerprint: hash of the draft network's weights; None for decoders without one.
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
    weights_sha256: str
    training: str = "untouched"
    decoder: str
    decoder_config: dict[str, JsonValue] = {}
    drafter_fingerprint: str | None = None
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
        """The key without the drafter's weights: equal for a rerun on another machine.

        Training the same drafter again gives other bits where sums are taken in another order, and is part of what
        a rerun repeats.
        """
        return self.model_copy(update={"drafter_fingerprint": None}).key()


class DocumentRow(_Strict):
    """One document's answer with its full account; one line of a cell's sidecar.

    Attributes are those of `engine.decoding.generation.Generation`, and
        doc_id: index of the document in the suite.
        doc_hash: hash of the document, as lm-eval computes it.
        text: the answer that was scored.
        rounds: (drafted, offered, accepted, committed) of each verify forward.
        scores: value by metric name, as lm-eval computes them.
    """

    doc_id: Count
    doc_hash: str
    prompt_tokens: Annotated[int, Field(ge=1)]
    tokens: tuple[int, ...]
    prefill_committed: Annotated[int, Field(ge=1)]
    text: str
    finish_reason: FinishReason
    rounds: tuple[tuple[Count, Count, Count, Count], ...]
    draft_forwards: Count
    prefill_s: Seconds
    decode_s: Seconds
    draft_s: Seconds | None
    target_s: Seconds | None
    peak_bytes: Count
    scores: dict[str, float]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for drafted, offered, accepted, committed in self.rounds:
            if not (accepted <= offered <= min(drafted, committed) and committed <= accepted + 1):
                message = (
                    f"document {self.doc_id}: expected rounds (drafted, offered, accepted, committed) with accepted <= "
                    f"offered <= drafted and offered <= committed <= accepted + 1, got "
                    f"{(drafted, offered, accepted, committed)}; the decoder miscounts, so correct it"
                )
                raise ValueError(message)
        by_rounds = sum(committed for *_, committed in self.rounds)
        if len(self.tokens) != self.prefill_committed + by_rounds:
            message = (
                f"document {self.doc_id}: expected {self.prefill_committed} tokens from the prefill + {by_rounds} from "
                f"{len(self.rounds)} rounds, got {len(self.tokens)}; the decoder miscounts, so correct it"
            )
            raise ValueError(message)
        return self

    @classmethod
    def from_generation(
        cls, generation: Generation, *, doc_id: int, doc_hash: str, text: str, scores: dict[str, float]
    ) -> Self:
        """The row of one decoded and scored document.

        Raises:
            ValueError: tokens and rounds that do not add up, or a number that is not finite.
        """
        return cls(
            doc_id=doc_id,
            doc_hash=doc_hash,
            prompt_tokens=generation.prompt_tokens,
            tokens=generation.tokens,
            prefill_committed=generation.prefill_committed,
            text=text,
            finish_reason=generation.finish_reason,
            rounds=tuple((r.drafted, r.offered, r.accepted, r.committed) for r in generation.rounds),
            draft_forwards=generation.draft_forwards,
            prefill_s=generation.prefill_s,
            decode_s=generation.decode_s,
            draft_s=generation.draft_s,
            target_s=generation.target_s,
            peak_bytes=generation.peak_bytes,
            scores=scores,
        )

    def generation(self) -> Generation:
        """What the decoder returned, for `engine.decoding.metrics`."""
        return Generation(
            prompt_tokens=self.prompt_tokens,
            tokens=self.tokens,
            prefill_committed=self.prefill_committed,
            finish_reason=self.finish_reason,
            rounds=tuple(Round(drafted=d, offered=o, accepted=a, committed=c) for d, o, a, c in self.rounds),
            draft_forwards=self.draft_forwards,
            prefill_s=self.prefill_s,
            decode_s=self.decode_s,
            draft_s=self.draft_s,
            target_s=self.target_s,
            peak_bytes=self.peak_bytes,
        )


class Difference(_Strict):
    """The first token at which a document's answer leaves the reference.

    `expected` or `got` is None where that answer had ended; `margin` (top two logits of the target there) and
    `logit_difference` (measured between one-token and tree forwards) are None where no probe was run.
    """

    doc_id: int
    position: int
    expected: int | None
    got: int | None
    margin: float | None = None
    logit_difference: float | None = None
    tie: bool = False


class Certificate(_Strict):
    """Whether the decoder keeps the target's output, and how that was tested; see `harness.certificates.sampling`.

    Attributes:
        kind: "greedy_identity" (token ids against the baseline of the same heat), "sampling_distribution" (the
            verifier, or the whole decoder, against an enumerated target) or "baseline" (what others are held against).
        verdict: "ties" is lossless up to near-ties of the target's own top two logits.
        n: documents compared, or sequences sampled.
        identical, ties, unexplained: documents of each outcome.
        worst_margin: largest top-2 margin among the ties.
        tv, tv_bound: measured total variation and its upper confidence bound.
        p_value: of the chi-square test.
        detail: first difference of each document that has one.
    """

    kind: CertificateKind
    verdict: Verdict
    n: Count = 0
    identical: Count = 0
    ties: Count = 0
    unexplained: Count = 0
    worst_margin: float | None = None
    tv: float | None = None
    tv_bound: float | None = None
    p_value: float | None = None
    detail: tuple[Difference, ...] = ()


BASELINE = Certificate(kind="baseline", verdict="baseline")


class DrafterInfo(_Strict):
    """What the drafter costs before it drafts: its own parameters, and the tokens it was trained on (None: unknown)."""

    parameters: Count
    training_tokens: Count | None = None


class Record(_Strict):
    """One finished cell.

    `rows_file` and `rows_sha256` are filled in by `Store.commit`; `metric` names the score that stands for the suite.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    key: str
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


def canonical_sha256(value: Any) -> str:
    """SHA-256 in hex of `value` as canonical JSON: keys sorted, whole floats written as integers.

    Raises:
        ValueError: a number that is not finite.
    """
    text = json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def rows_to_bytes(rows: Sequence[DocumentRow]) -> bytes:
    """Rows as JSON Lines, one document a line."""
    return "".join(row.model_dump_json() + "\n" for row in rows).encode("utf-8")


def rows_from_bytes(data: bytes) -> list[DocumentRow]:
    """Rows from JSON Lines."""
    return [DocumentRow.model_validate_json(line) for line in data.split(b"\n") if line]


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value
