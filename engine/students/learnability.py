"""How well a path suits a student as it is: a cost of every path from one forward over it; low is good.

    path          mean S                                      MIND as printed (arXiv:2601.03717), GRAPE (2502.04194)
    answer        mean S over the answer's tokens, the rationale given
    rationale     mean S over all others
    no_openers    mean S without the first token of each step, as ASLEC-drop (2604.06834)
    rsr           Σ min(R, 100) / Σ S                         rank-surprisal ratio (2601.14249, its released code)
    rsr_guarded   Σ min(R, 100) / (Σ S + 0.1 T)
    seqlss        - Σ S (1 - U)⁴ / Σ S                        SeqLSS (2608.29623), high there and so negative here
    lark          - g_k, g_k = (L_k / ΣL) (2 ρ_k - Σ ρ_i L_i / ΣL), ρ = B / L        LARK (2605.30651), likewise
                  L: mean S; B: mean C over the whole vocabulary; sums over the question's paths

S, R, U and C of a token are those of `token_scores.py`, T the number of a path's tokens. Where a path is known already
(S = 0 everywhere) the losses are 0 and seqlss is -1, the best there are, while rsr grows without bound: of a student
that has learned, it puts the hardest path first. It is therefore meant for the untouched student; `rsr_guarded` may be
taken of a student that learns. LARK's g is written as (2 B_k - L_k ΣB / ΣL) / ΣL, which is the same and divides by no
L_k; it is a share of a whole question, so all its paths are taken together.

Legend: N tokens of all paths, one after the other, I paths of a question.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import nn

from offbook.engine.students.branches import Branches, branch_means, lay_out
from offbook.engine.students.paths import Paths, Response
from offbook.engine.students.predictions import predict
from offbook.engine.students.token_scores import TokenScores, token_scores

Learnability = Literal["path", "answer", "rationale", "no_openers", "rsr", "rsr_guarded", "seqlss", "lark"]
LEARNABILITIES: tuple[Learnability, ...] = get_args(Learnability)
OF_THE_LAW = ("rsr", "rsr_guarded", "seqlss", "lark")  # want more of a token than its cross-entropy
OF_A_QUESTION = ("lark",)  # of all its paths together
OF_THE_UNTOUCHED = ("rsr",)  # mean nothing of a student that has learned

RANK_CAP = 100.0
FLOOR = 1e-12  # of a sum of S that is divided by
GUARD = 0.1  # nats a token
SHARPNESS = 4


def learnability(
    of: Learnability,
    branches: Branches,
    responses: Sequence[Response],
    nll_N: torch.Tensor,
    scores: TokenScores | None = None,
) -> torch.Tensor:
    """The cost of every path (I,); see the module.

    Args:
        of: which cost.
        branches: the paths, laid out.
        responses: the same paths.
        nll_N: cross-entropy of their tokens, in nats, without gradient.
        scores: of the same tokens, for the costs `OF_THE_LAW`.
    """
    if of not in OF_THE_LAW:
        return torch.stack([nll_N[chosen].mean() for chosen in _tokens(of, branches, responses)])
    assert scores is not None
    if of == "lark":
        return _lark(branch_means(scores.brier_N, branches), branch_means(scores.surprisal_N, branches))
    spans = [slice(start, end) for start, end in pairwise(branches.starts)]
    surprisal_I = torch.stack([scores.surprisal_N[span].sum() for span in spans])
    if of == "seqlss":
        weighed_N = scores.surprisal_N * (1 - scores.above_N) ** SHARPNESS
        weighed_I = torch.stack([weighed_N[span].sum() for span in spans])
        return -torch.where(surprisal_I > FLOOR, weighed_I / surprisal_I.clamp(min=FLOOR), 1.0)
    ranks_I = torch.stack([scores.rank_N[span].clamp(max=RANK_CAP).sum() for span in spans])
    if of == "rsr":
        return ranks_I / surprisal_I.clamp(min=FLOOR)
    tokens_I = surprisal_I.new_tensor([end - start for start, end in pairwise(branches.starts)])
    return ranks_I / (surprisal_I + GUARD * tokens_I)


@torch.no_grad()
def measure(
    student: nn.Module, question: Paths, perspectives: Sequence[int], wanted: Sequence[Learnability]
) -> torch.Tensor:
    """Costs (I, C) of some of a question's paths, in this order, from one forward; inside `branch_attention`.

    Args:
        student: as it is.
        question: with its paths.
        perspectives: I of them, all that are there where one of `OF_A_QUESTION` is wanted.
        wanted: C costs.
    """
    responses = question.some(perspectives)
    branches = lay_out(question.prompt, responses, next(student.parameters()).device)
    predictions = predict(student, branches)
    nll_N = predictions.nll(branches.targets_N)
    scores = token_scores(predictions, branches.targets_N) if set(wanted) & set(OF_THE_LAW) else None
    return torch.stack([learnability(of, branches, responses, nll_N, scores).float() for of in wanted], dim=-1)


def _tokens(of: Learnability, branches: Branches, responses: Sequence[Response]) -> list[list[int]]:
    """Which of the N tokens a mean loss is over, path by path; all of them where it would be over none."""
    found = []
    for (start, end), answer, response in zip(pairwise(branches.starts), branches.answers, responses, strict=True):
        left_out = {"rationale": {*answer}, "no_openers": {start + i for i in response.openers}}.get(of, set())
        whole = list(range(start, end))
        chosen = list(answer) if of == "answer" else [n for n in whole if n not in left_out]
        found.append(chosen or whole)
    return found


def _lark(brier_I: torch.Tensor, loss_I: torch.Tensor) -> torch.Tensor:
    total = loss_I.sum().clamp(min=FLOOR)
    return -(2 * brier_I - loss_I * brier_I.sum() / total) / total
