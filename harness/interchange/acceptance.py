"""Records of acceptance, one an answer, as AIPerf keeps them of whichever engine served a request.

    <folder>/<record>.jsonl    a line an answer: `AcceptanceRecord`, and which answer it is

The fields are those of `SpecDecodeAcceptanceRecord` of ai-dynamo/aiperf (src/aiperf/common/models/spec_decode_models.py
and docs/reference/spec-decode-acceptance.md, read at 0786f0c). That class takes further fields and ignores them, so a
line is read by it as it is: `request_id`, `record`, `suite`, `decoder` and `temperature` say which answer it is of.

Two things are counted otherwise there. Its mean is 1 + accepted / rounds, whether or not the answer's end cut the last
round; offbook's own acceptance length counts what was committed. `num_draft_tokens` are all candidates that were
verified, of a tree every branch, so that its rate says how much of what was computed was used.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from offbook.engine.files import atomic_files, atomic_write_text
from offbook.harness.records.cell import Cell
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.exam import Exam
from offbook.harness.records.record import stem

ENGINE = "offbook"
Whole = Annotated[int, Field(ge=0)]


class AcceptanceRecord(BaseModel):
    """What was drafted and accepted of one answer.

    Attributes:
        engine: whose account it is.
        mean_acceptance_length: tokens a round, the bonus token included: 1 + accepted / rounds.
        draft_acceptance_rate: accepted / drafted; 0 where nothing was drafted.
        acceptance_histogram: how many rounds accepted exactly so many candidates; none that no round did.
        num_accepted_draft_tokens: candidates that were accepted.
        num_draft_tokens: candidates that were verified.
        num_spec_steps: rounds.
        num_spec_tokens: most candidates of a round, where that is fixed; None, for a tree may be cut.
        completion_tokens: tokens of the answer, that of the prefill among them.
        per_step_accepted: of each round.
        per_step_drafted: of each round.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    engine: str
    mean_acceptance_length: Annotated[float, Field(ge=1)]
    draft_acceptance_rate: Annotated[float, Field(ge=0, le=1)]
    acceptance_histogram: dict[Whole, Whole]
    num_accepted_draft_tokens: Whole
    num_draft_tokens: Whole
    num_spec_steps: Whole
    num_spec_tokens: Whole | None = None
    completion_tokens: Whole | None = None
    per_step_accepted: list[Whole] | None = None
    per_step_drafted: list[Whole] | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        steps = sum(self.acceptance_histogram.values())
        accepted = sum(candidates * count for candidates, count in self.acceptance_histogram.items())
        told = (self.num_spec_steps, self.num_accepted_draft_tokens)
        if (steps, accepted) != told or accepted > self.num_draft_tokens:
            msg = (
                f"expected {steps} rounds that accepted {accepted} of at least as many candidates, by the histogram, "
                f"got {told[0]} rounds and {told[1]} of {self.num_draft_tokens}"
            )
            raise ValueError(msg)
        return self


def acceptance_record(row: DocumentRow) -> AcceptanceRecord | None:
    """The record of one answer; None of an answer that the prefill ended, for AIPerf has none without a round."""
    if not row.rounds:
        return None
    drafted = [round_[0] for round_ in row.rounds]
    accepted = [round_[2] for round_ in row.rounds]
    return AcceptanceRecord(
        engine=ENGINE,
        mean_acceptance_length=1 + sum(accepted) / len(accepted),
        draft_acceptance_rate=sum(accepted) / sum(drafted) if any(drafted) else 0.0,
        acceptance_histogram=dict(sorted(Counter(accepted).items())),
        num_accepted_draft_tokens=sum(accepted),
        num_draft_tokens=sum(drafted),
        num_spec_steps=len(accepted),
        completion_tokens=len(row.tokens),
        per_step_accepted=accepted,
        per_step_drafted=drafted,
    )


def write_acceptance(held: Sequence[Cell | Exam], folder: Path) -> list[str]:
    """Writes a file for every record in which somebody drafted, and returns their names; exams draft nothing.

    Raises:
        ValueError: nobody drafted.
        OSError: a file cannot be written; it names the path.
    """
    texts = {f"{stem(cell.record)}.jsonl": "".join(_lines(cell)) for cell in held if isinstance(cell, Cell)}
    texts = {name: text for name, text in texts.items() if text}
    if not texts:
        msg = "expected a record of a decoder that drafts, found none; plain decoding and exams accept nothing"
        raise ValueError(msg)
    with atomic_files(folder) as temporary:
        for name, text in texts.items():
            atomic_write_text(temporary / name, text)
    return sorted(texts)


def _lines(cell: Cell) -> Iterator[str]:
    spec = cell.record.spec
    if not any(drafted for row in cell.rows for drafted, *_ in row.rounds):
        return
    of_all = {
        "record": cell.record.key,
        "suite": spec.suite,
        "decoder": spec.decoder,
        "temperature": spec.temperature,
    }
    for row in cell.rows:
        if (found := acceptance_record(row)) is not None:
            which = {"request_id": f"{cell.record.key[:12]}/{row.doc_id}", **of_all}
            yield json.dumps({**found.model_dump(mode="json", exclude_none=True), **which}, allow_nan=False) + "\n"
