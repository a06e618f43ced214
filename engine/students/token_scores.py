"""What a model's law says of the tokens that it is to predict: how surprising, how far down, how much above, how sharp.

    S_t = - ln p_t                                   p_t: probability of the token
    R_t = 1 + #{v : logit_v > logit_y}               its rank; equal logits are not above it
    U_t = Σ_v [logit_v > logit_y] π_t(v)             the mass above it
    C_t = 1 - 2 p_t + Σ_v π_t(v)²                    Brier's score, the squared length of cross-entropy's logit gradient

All from one forward, without gradient, in fp32 whatever the training multiplies in: of logits in bf16 many are equal,
and ranks would come out too good. A few rows at a time, so that the logits of all tokens are never there at once. What
a token is called decides nothing: a vocabulary in another order gives the same numbers.

Legend: N predicted tokens, n some of them, V vocabulary.
"""

from typing import NamedTuple

import torch
from torch.nn import functional

from offbook.engine.students.predictions import Predictions

LOGITS = 2**23  # that are there at once


class TokenScores(NamedTuple):
    """S in nats, R, U and C of every token, (N,) each."""

    surprisal_N: torch.Tensor
    rank_N: torch.Tensor
    above_N: torch.Tensor
    brier_N: torch.Tensor


@torch.no_grad()
def token_scores(predictions: Predictions, targets_N: torch.Tensor) -> TokenScores:
    """See the module.

    Args:
        predictions: of the tokens.
        targets_N: these tokens, at least one.
    """
    width = (predictions.states_NH if predictions.head_VH is None else predictions.head_VH.T).shape[-1]
    rows = max(1, LOGITS // width)
    states = predictions.states_NH.detach().split(rows)
    parts = [
        _of_logits(_logits(part_nH, predictions.head_VH), part_n)
        for part_nH, part_n in zip(states, targets_N.split(rows), strict=True)
    ]
    return TokenScores(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _logits(states_nH: torch.Tensor, head_VH: torch.Tensor | None) -> torch.Tensor:
    dtype = torch.promote_types(states_nH.dtype, torch.float32)
    if head_VH is None:
        return states_nH.to(dtype)
    with torch.autocast(states_nH.device.type, enabled=False):
        return functional.linear(states_nH.to(dtype), head_VH.detach().to(dtype))


def _of_logits(logits_nV: torch.Tensor, targets_n: torch.Tensor) -> TokenScores:
    wanted_n1 = targets_n[:, None]
    above_nV = logits_nV > logits_nV.gather(1, wanted_n1)
    log_law_nV = logits_nV.log_softmax(-1)
    surprisal_n = -log_law_nV.gather(1, wanted_n1)[:, 0]
    law_nV = log_law_nV.exp_()
    return TokenScores(
        surprisal_N=surprisal_n,
        rank_N=1.0 + above_nV.sum(-1).to(surprisal_n.dtype),
        above_N=(law_nV * above_nV).sum(-1),
        brier_N=1 - 2 * (-surprisal_n).exp() + law_nV.square().sum(-1),
    )
