"""The student's loss on the selected paths of one question.

    L_SFT   = Σ_k α_k CE(r_k | x)                        CE: a mean over the path's tokens
    L_cons  = Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)             P_i: next-token distributions over the answer, after path i
    L_total = L_SFT + λ L_cons

P_i is teacher-forced, position by position on the answer's tokens, which are the same in all paths; JSD in fp32 and
nats, a mean over positions. Gradient flows into both sides of a pair and never into α. arXiv:2601.03717; P_i after
MCC-KD.

Legend: I selected paths, N predicted tokens of all paths, A answer tokens.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from offbook.engine.students.branches import Branches, branch_means, lay_out, token_weights
from offbook.engine.students.divergence import jensen_shannon
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import Predictions, predict
from offbook.kernels.vocab_loss import Losses

Learnability = Literal["path", "rationale", "answer"]


def learnability(losses_N: torch.Tensor, branches: Branches, of: Learnability) -> torch.Tensor:
    """What MetaNet is to predict of each path (I,): ℓ, its mean cross-entropy, or the like of a part of its tokens.

    Args:
        losses_N: cross-entropy of the paths' tokens, in nats, without gradient.
        branches: the paths.
        of: "path": all tokens; "answer": the answer's, given the rationale; "rationale": all others (ablation).
    """
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
    return learnability(predict(student, branches).nll(branches.targets_N), branches, of)


def fine_tuning(predictions: Predictions, branches: Branches, alpha_I: torch.Tensor) -> Losses:
    """L_SFT, and what every token has of it; a path counts by the mean over its tokens, whether long or short."""
    return predictions.loss(branches.targets_N, token_weights(alpha_I.detach(), branches))


def consistency(predictions: Predictions, branches: Branches, alpha_I: torch.Tensor) -> torch.Tensor:
    """L_cons; 0 for a single path, at most ln 2 (1 − Σα²)/2."""
    alpha = alpha_I.detach()
    log_p = [logits_AV.log_softmax(-1) for logits_AV in predictions.logits_of(branches.answers)]
    total = log_p[0].new_zeros(())
    for i, j in itertools.combinations(range(len(log_p)), 2):
        total = total + alpha[i] * alpha[j] * jensen_shannon(log_p[i], log_p[j])
    return total
