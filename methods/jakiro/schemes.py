"""How candidates are made of decoupled experts, each with its own law, and whose feature a candidate continues from.

    q_k = softmax(W fhat^k), weight w_k       expert k's head alone, and its share

    mixture   of q = sum_k w_k q_k the likeliest tokens, or draws; a candidate x continues from the feature of the
              expert that gave it most of its probability, argmax_k w_k q_k(x)
    first     of the expert with the largest weight alone, which its candidates continue from: EAGLE on one expert
    turns     the experts take turns, the largest weight first: each names its best token in turn, repeated ones left
              out; or a draw of its own among what is not drawn yet. A candidate continues from whose turn it was

All of this is ours, for the released sampler is no way to keep the target's law: it draws from one softmax over all
heads' logits side by side and verifies with laws that it did not draw from (see `tests/controls/jakiro_star.py`).
Here candidates that are drawn come with the law that they were drawn from, and all others are a function of the text;
the verifier for either is exact. Whose feature a candidate continues from is settled by the laws and the candidate, so
that it changes nothing in the candidate's law. A mixture adds probabilities, not logits: of logits, a head that shouts
would get the draws.

The estimate of a candidate is its probability under the mixture, under every scheme but `first`.

Shapes: R rows, E experts, P = H + 1 (`decoupled_experts`), H hidden, D draft vocabulary, K candidates a row.
"""

from typing import Literal

import torch

from offbook.engine.decoding.candidate_draws import some_of
from offbook.engine.decoding.coupling import Race
from offbook.engine.decoding.draft_head import Head
from offbook.engine.decoding.readout import Candidates, OneFeature
from offbook.engine.decoding.sampling import Sampling
from offbook.kernels.topk_logprobs import likeliest, topk_of_logits
from offbook.methods.jakiro.decoupled_experts import parted

Scheme = Literal["mixture", "first", "turns"]


class ExpertsApart:
    """The readout of a network whose experts predict apart; see `Readout`.

    Args:
        head: of the draft vocabulary, the same for all experts.
        scheme: see the module.
    """

    def __init__(self, head: Head, *, scheme: Scheme) -> None:
        self._head = head
        self._scheme = scheme

    def likeliest(self, predicted_R: torch.Tensor, k: int) -> Candidates:
        """See `Readout`."""
        features_REH, log_weights_RE = parted(predicted_R)
        if self._scheme == "first":
            return OneFeature(self._head).likeliest(_of_the_first(features_REH, log_weights_RE), k)
        joint_RED = self._joint(features_REH, log_weights_RE)
        mixture_RD = joint_RED.logsumexp(dim=1)
        if self._scheme == "mixture":
            logprobs_RK, index_RK = topk_of_logits(mixture_RD, k)
            whose_RK = _giver(joint_RED, index_RK)
        else:
            index_RK, whose_RK = _best_in_turns(joint_RED, _by_weight(log_weights_RE), k)
            logprobs_RK = mixture_RD.log_softmax(dim=-1).gather(-1, index_RK)
        return self._candidates(features_REH, index_RK, whose_RK, logprobs_RK)

    def drawn(self, predicted_R: torch.Tensor, k: int, sampling: Sampling, generator: torch.Generator) -> Candidates:
        """See `Readout`; the settings are applied to the law that is drawn from, be it the mixture or an expert's."""
        features_REH, log_weights_RE = parted(predicted_R)
        if self._scheme == "first":
            first_RH = _of_the_first(features_REH, log_weights_RE)
            return OneFeature(self._head).drawn(first_RH, k, sampling, generator)
        joint_RED = self._joint(features_REH, log_weights_RE)
        if self._scheme == "mixture":
            laws_RTD = sampling.probabilities(joint_RED.logsumexp(dim=1))[:, None]
            index_RK = some_of(laws_RTD[:, 0], k, generator)
            chances_RK, whose_RK = laws_RTD[:, 0].gather(-1, index_RK), _giver(joint_RED, index_RK)
        else:
            order_RE = _by_weight(log_weights_RE)
            laws_RTD = sampling.probabilities(joint_RED.gather(1, order_RE[..., None].expand_as(joint_RED)))
            index_RK, chances_RK = _drawn_in_turns(laws_RTD, k, generator)
            whose_RK = order_RE[:, torch.arange(k, device=order_RE.device) % order_RE.shape[1]]
        return self._candidates(features_REH, index_RK, whose_RK, chances_RK.log(), laws_RTD)

    def foreseen(self, predicted_R: torch.Tensor, k: int, race: Race, level: int) -> Candidates:
        """See `Readout`; under every scheme but `first` the mixture runs the race."""
        features_REH, log_weights_RE = parted(predicted_R)
        if self._scheme == "first":
            return OneFeature(self._head).foreseen(_of_the_first(features_REH, log_weights_RE), k, race, level)
        joint_RED = self._joint(features_REH, log_weights_RE)
        laws_RD = race.sampling.probabilities(joint_RED.logsumexp(dim=1))
        logprobs_RK, index_RK = race.first(laws_RD, self._head.token_ids, level, k)
        return self._candidates(features_REH, index_RK, _giver(joint_RED, index_RK), logprobs_RK)

    def _joint(self, features_REH: torch.Tensor, log_weights_RE: torch.Tensor) -> torch.Tensor:
        """The logarithms of w_k q_k, at least fp32."""
        logits_RED: torch.Tensor = self._head.logits(features_REH.flatten(0, 1)).unflatten(0, features_REH.shape[:2])
        exact = torch.promote_types(logits_RED.dtype, torch.float32)
        joint_RED: torch.Tensor = logits_RED.to(exact).log_softmax(dim=-1) + log_weights_RE.to(exact)[..., None]
        return joint_RED

    def _candidates(
        self,
        features_REH: torch.Tensor,
        index_RK: torch.Tensor,
        whose_RK: torch.Tensor,
        logprobs_RK: torch.Tensor,
        laws_RTD: torch.Tensor | None = None,
    ) -> Candidates:
        rows, experts, _ = features_REH.shape
        return Candidates(
            tokens_RK=self._head.token_ids[index_RK],
            logprobs_RK=logprobs_RK,
            features_FH=features_REH.flatten(0, 1),
            sources_RK=torch.arange(rows, device=index_RK.device)[:, None] * experts + whose_RK,
            laws_RTD=laws_RTD,
        )


def _by_weight(log_weights_RE: torch.Tensor) -> torch.Tensor:
    """The experts by their weight, the largest first; of equal ones the first."""
    return log_weights_RE.argsort(dim=-1, descending=True, stable=True)


def _of_the_first(features_REH: torch.Tensor, log_weights_RE: torch.Tensor) -> torch.Tensor:
    """The features (R, H) of the experts with the largest weight."""
    rows = torch.arange(len(features_REH), device=features_REH.device)
    return features_REH[rows, _by_weight(log_weights_RE)[:, 0]]


def _giver(joint_RED: torch.Tensor, index_RK: torch.Tensor) -> torch.Tensor:
    """Which expert gives a token the most, (R, K)."""
    of_each_REK = joint_RED.gather(-1, index_RK[:, None].expand(-1, joint_RED.shape[1], -1))
    return of_each_REK.argmax(dim=1)


def _best_in_turns(joint_RED: torch.Tensor, order_RE: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Each expert's best tokens in turn, repeated ones left out, and whose they are, both (R, k)."""
    best_REK = likeliest(joint_RED, k)
    in_order_REK = best_REK.gather(1, order_RE[..., None].expand_as(best_REK))
    named_RM = in_order_REK.transpose(1, 2).flatten(1)  # the best of each, then the second best of each ..
    whose_RM = order_RE[:, None].expand(-1, k, -1).flatten(1)
    repeated_RM = (named_RM[:, :, None] == named_RM[:, None]).tril(-1).any(dim=-1)
    kept_RK = repeated_RM.long().argsort(dim=-1, stable=True)[:, :k]
    return named_RM.gather(1, kept_RK), whose_RM.gather(1, kept_RK)


def _drawn_in_turns(laws_RTD: torch.Tensor, k: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A draw from each law in turn, without what was drawn before, and its probability there; 0 where none was left."""
    left_RTD, index, chances = laws_RTD.clone(), [], []
    for place in range(k):
        law_RD = left_RTD[:, place % left_RTD.shape[1]]
        drawn_R1 = some_of(law_RD, 1, generator)
        index.append(drawn_R1)
        chances.append(law_RD.gather(-1, drawn_R1))
        left_RTD.scatter_(-1, drawn_R1[:, None].expand(-1, left_RTD.shape[1], -1), 0.0)
    return torch.cat(index, dim=-1), torch.cat(chances, dim=-1)
