"""One document's answer with its full account; one line of a cell's sidecar."""

from itertools import starmap
from typing import Annotated, Self

from pydantic import Field, model_validator

from offbook.engine.decoding.generation import FinishReason, Generation, Round, RoundTime
from offbook.harness.records.strict import AtRest, Count, Seconds


class DocumentRow(AtRest):
    """One document's answer with its full account; one line of a cell's sidecar.

    Attributes are those of `engine.decoding.generation.Generation`, and
        doc_id: index of the document in the suite.
        doc_hash: hash of the document, as lm-eval computes it.
        text: the answer that was scored.
        rounds: (drafted, offered, accepted, committed) of each verify forward.
        scores: value by metric name, as lm-eval computes them.
        cluster: documents of one are alike, such as one story with other numbers; "": alone.
        choices: how many answers the question names to choose from; None where that is not known.
        times: seconds (draft, target, all) of each round, to the microsecond; empty where nobody took them.
        predicted: of each round, how many candidates of each depth were expected to be accepted; empty where nobody
            said.
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
    cluster: str = ""
    choices: Count | None = None
    times: tuple[tuple[Seconds | None, Seconds | None, Seconds], ...] = ()
    predicted: tuple[tuple[Annotated[float, Field(ge=0)], ...], ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        by_rounds = 0
        for drafted, offered, accepted, committed in self.rounds:
            by_rounds += committed
            if not (accepted <= offered <= drafted and offered <= committed <= accepted + 1):
                message = (
                    f"document {self.doc_id}: expected rounds (drafted, offered, accepted, committed) with accepted <= "
                    f"offered <= drafted and offered <= committed <= accepted + 1, got "
                    f"{(drafted, offered, accepted, committed)}; the decoder miscounts, so correct it"
                )
                raise ValueError(message)
        for what, kept in (("times", self.times), ("predictions", self.predicted)):
            if kept and len(kept) != len(self.rounds):
                message = (
                    f"document {self.doc_id}: expected {what} of {len(self.rounds)} rounds, got {len(kept)}; the "
                    "decoder miscounts, so correct it"
                )
                raise ValueError(message)
        if len(self.tokens) != self.prefill_committed + by_rounds:
            message = (
                f"document {self.doc_id}: expected {self.prefill_committed} tokens from the prefill + {by_rounds} from "
                f"{len(self.rounds)} rounds, got {len(self.tokens)}; the decoder miscounts, so correct it"
            )
            raise ValueError(message)
        return self

    @classmethod
    def from_generation(
        cls,
        generation: Generation,
        *,
        doc_id: int,
        doc_hash: str,
        text: str,
        scores: dict[str, float],
        cluster: str = "",
        choices: int | None = None,
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
            cluster=cluster,
            choices=choices,
            times=tuple((t.draft_s, t.target_s, t.wall_s) for t in generation.times),
            predicted=generation.predicted,
        )

    def generation(self) -> Generation:
        """What the decoder returned, for `engine.decoding.metrics`."""
        return Generation(
            prompt_tokens=self.prompt_tokens,
            tokens=self.tokens,
            prefill_committed=self.prefill_committed,
            finish_reason=self.finish_reason,
            rounds=tuple(starmap(Round, self.rounds)),
            draft_forwards=self.draft_forwards,
            prefill_s=self.prefill_s,
            decode_s=self.decode_s,
            draft_s=self.draft_s,
            target_s=self.target_s,
            peak_bytes=self.peak_bytes,
            times=tuple(starmap(RoundTime, self.times)),
            predicted=self.predicted,
        )
