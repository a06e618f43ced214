"""Whether a decoder kept the target's output, and how that was tested."""

from typing import Literal, Self

from pydantic import model_validator

from offbook.harness.records.strict import AtRest, Count, Share

CertificateKind = Literal["greedy_identity", "sampling_distribution", "baseline"]
Verdict = Literal["lossless", "ties", "differs", "baseline", "not_tested"]


class Difference(AtRest):
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


class Certificate(AtRest):
    """Whether the decoder keeps the target's output, and how that was tested; see `harness.certificates.sampling`.

    Attributes:
        kind: "greedy_identity" (token ids against the baseline of the same heat), "sampling_distribution" (the
            verifier, or the whole decoder, against an enumerated target; or answers, token by token, against the laws
            behind them) or "baseline" (what others are held against).
        verdict: "ties" is lossless up to near-ties of the target's own top two logits.
        n: documents compared, or sequences sampled, or tokens of answers.
        identical, ties, unexplained: documents of each outcome; of sampled ones those that were drawn from the
            baseline's seeds, none where the decoder draws otherwise.
        worst_margin: largest top-2 margin among the ties; of logits, or of the logarithms that a draw compares.
        tv, tv_bound: measured total variation and its upper confidence bound; of answers on the real vocabulary what
            moved between cells, and how much would have been found.
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
    tv: Share | None = None
    tv_bound: Share | None = None
    p_value: Share | None = None
    detail: tuple[Difference, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.kind == "greedy_identity" and self.identical + self.ties + self.unexplained != self.n:
            found = f"{self.identical} identical, {self.ties} ties, {self.unexplained} unexplained"
            msg = f"expected outcomes of {self.n} documents, got {found}"
            raise ValueError(msg)
        return self


BASELINE = Certificate(kind="baseline", verdict="baseline")
NOT_TESTED = Certificate(kind="sampling_distribution", verdict="not_tested")
