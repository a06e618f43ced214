"""From what a draft network predicts behind its rows to their candidates, and to the features they continue from.

A network that predicts one feature a row leaves no choice: the head reads its tokens, and every child continues
from that feature (EAGLE, arXiv:2401.15077). One that predicts several (Jakiro's decoupled experts) brings a readout of
its own, which also says for each candidate whose feature it continues from.

Shapes: R rows, K candidates a row, F features, H hidden, D draft vocabulary, T laws that take turns.
"""

from dataclasses import dataclass
from typing import Protocol

import torch

from offbook.engine.decoding.candidate_draws import some_of
from offbook.engine.decoding.coupling import Race
from offbook.engine.decoding.draft_head import Head
from offbook.engine.decoding.sampling import Sampling


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What may follow each row of a pass.

    Attributes:
        tokens_RK: target ids, different ones in each row.
        logprobs_RK: the draft's estimate of each, at least fp32; -inf of one that could not be drawn, and those behind
            it in its row mean nothing.
        features_FH: all features that candidates continue from.
        sources_RK: which of them each does.
        laws_RTD: what they were drawn from, one after the other without replacement, the k-th from law k mod T; None
            where they are a function of the text.
    """

    tokens_RK: torch.Tensor
    logprobs_RK: torch.Tensor
    features_FH: torch.Tensor
    sources_RK: torch.Tensor
    laws_RTD: torch.Tensor | None = None


class Readout(Protocol):
    """Reads the predictions of a pass, (R, ...) as its network makes them."""

    def likeliest(self, predicted_R: torch.Tensor, k: int) -> Candidates:
        """The k best candidates of each row, as they are tried."""
        ...

    def drawn(self, predicted_R: torch.Tensor, k: int, sampling: Sampling, generator: torch.Generator) -> Candidates:
        """So many candidates of each row, drawn under the settings of the target's own draws."""
        ...

    def foreseen(self, predicted_R: torch.Tensor, k: int, race: Race, level: int) -> Candidates:
        """Behind nodes of a level, the k candidates of each row that most likely win the target's race."""
        ...


class OneFeature:
    """The readout of a network that predicts one feature a row, (R, H)."""

    def __init__(self, head: Head) -> None:
        self._head = head

    def likeliest(self, predicted_R: torch.Tensor, k: int) -> Candidates:
        """See `Readout`."""
        logprobs_RK, tokens_RK = self._head.top(predicted_R, k)
        return Candidates(
            tokens_RK=tokens_RK,
            logprobs_RK=logprobs_RK,
            features_FH=predicted_R,
            sources_RK=_own_rows(tokens_RK),
        )

    def drawn(self, predicted_R: torch.Tensor, k: int, sampling: Sampling, generator: torch.Generator) -> Candidates:
        """See `Readout`."""
        laws_RD = sampling.probabilities(self._head.logits(predicted_R))
        index_RK = some_of(laws_RD, k, generator)
        return Candidates(
            tokens_RK=self._head.token_ids[index_RK],
            logprobs_RK=laws_RD.gather(-1, index_RK).log(),
            features_FH=predicted_R,
            sources_RK=_own_rows(index_RK),
            laws_RTD=laws_RD[:, None],
        )

    def foreseen(self, predicted_R: torch.Tensor, k: int, race: Race, level: int) -> Candidates:
        """See `Readout`."""
        laws_RD = race.sampling.probabilities(self._head.logits(predicted_R))
        logprobs_RK, index_RK = race.first(laws_RD, self._head.token_ids, level, k)
        return Candidates(
            tokens_RK=self._head.token_ids[index_RK],
            logprobs_RK=logprobs_RK,
            features_FH=predicted_R,
            sources_RK=_own_rows(index_RK),
        )


def _own_rows(like_RK: torch.Tensor) -> torch.Tensor:
    rows, k = like_RK.shape
    return torch.arange(rows, device=like_RK.device)[:, None].expand(rows, k)
