"""The student's loss on the selected paths of one question.

    L_SFT   = Σ_k α_k CE(r_k | x)                        CE: a mean over the path's tokens
    L_cons  = Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)             P_i: next-token distributions over the answer, after path i
    L_total = L_SFT + λ L_cons

P_i is teacher-forced, position by position on the answer's tokens, which are the same in all paths; JSD in fp32 and
nats, a mean over positions. Gradient flows into both sides of a pair and never into α. arXiv:2601.03717; P_i after
MCC-KD.

Legend: I selected paths, N predicted tokens of all paths, A answer tokens, V vocabulary.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from offbook.engine.students.branches import Branches, branch_means, lay_out, response_logits, token_losses
from offbook.engine.students.divergence import jensen_shannon
from offbook.engine.students.paths import Paths

Learnability = Literal["path", "rationale", "answer"]


def path_losses(logits_NV: torch.Tensor, branches: Branches) -> torch.Tensor:
    """ℓ (I,): every path's cross-entropy in nats a token, answer included: long paths count no more than short ones."""
    return branch_means(token_losses(logits_NV, branches), branches)


def learnability(logits_NV: torch.Tensor, branches: Branches, of: Learnability) -> torch.Tensor:
    """What MetaNet is to predict of each path (I,), without gradient: ℓ, or the like of a part of its tokens.

    Args:
        logits_NV: that predict the paths' tokens.
        branches: the paths.
        of: "path": all tokens; "answer": the answer's, given the rationale; "rationale": all others (ablation).
    """
    losses_N = token_losses(logits_NV.detach(), branches)
    if of == "path":
        return branch_means(losses_N, branches)
    answer_N = torch.zeros_like(losses_N, dtype=torch.bool)
    answer_N[list(itertools.chain(*branches.answers))] = True
    wanted_N = answer_N if of == "answer" else ~answer_N
    spans = itertools.pairwise(branches.starts)
    return torch.stack([losses_N[start:end][wanted_N[start:end]].mean() for start, end in spans])


@torch.no_grad()
def measure(student: nn.Module, question: Paths, perspectives: Sequence[int], of: Learnability) -> torch.Tensor:
    """`learnability` of some of a question's paths, in this order; inside `branch_attention`."""
    branches = lay_out(question.prompt, question.some(perspectives), next(student.parameters()).device)
    return learnability(response_logits(student, branches), branches, of)


def fine_tuning(losses_I: torch.Tensor, alpha_I: torch.Tensor) -> torch.Tensor:
    """L_SFT."""
    return (alpha_I.detach() * losses_I).sum()


def consistency(logits_NV: torch.Tensor, branches: Branches, alpha_I: torch.Tensor) -> torch.Tensor:
    """L_cons; 0 for a single path, at most ln 2 (1 − Σα²)/2."""
    alpha = alpha_I.detach()
    log_p = [logits_NV[list(answer)].float().log_softmax(-1) for answer in branches.answers]
    total = logits_NV.new_zeros((), dtype=torch.float32)
    for i, j in itertools.combinations(range(len(log_p)), 2):
        total = total + alpha[i] * alpha[j] * jensen_shannon(log_p[i], log_p[j])
    return total
