"""The student's loss on the selected paths of a question, or of each of several.

    L_SFT   = Σ_k α_k CE(r_k | x)                        CE: a mean over the path's tokens
    L_cons  = Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)             P_i: next-token distributions over the answer, after path i
    L_total = L_SFT + λ L_cons

P_i is teacher-forced, position by position on the answer's tokens, which are the same in all paths; JSD in fp32 and
nats, a mean over positions. Gradient flows into both sides of a pair and never into α. arXiv:2601.03717; P_i after
MCC-KD.

Legend: Q questions, I selected paths of all of them, N predicted tokens of all paths, A answer tokens.
"""

import itertools

import torch

from offbook.engine.students.branches import Branches, token_weights
from offbook.engine.students.divergence import jensen_shannon
from offbook.engine.students.predictions import Predictions, QuestionSums


def fine_tuning(predictions: Predictions, branches: Branches, alpha_I: torch.Tensor) -> QuestionSums:
    """L_SFT, summed over questions; a path counts by the mean over its tokens, whether long or short."""
    return predictions.question_losses(branches, token_weights(alpha_I.detach(), branches))


def consistency(predictions: Predictions, branches: Branches, alpha_I: torch.Tensor) -> torch.Tensor:
    """L_cons of every question (Q,); 0 for a single path, at most ln 2 (1 − Σα²)/2."""
    alpha = alpha_I.detach()
    several = [i for group in branches.groups if len(group) > 1 for i in group]
    if not several:
        return alpha.new_zeros(len(branches.groups))
    logits = predictions.logits_of([branches.answers[i] for i in several])
    log_p = {i: logits_AV.log_softmax(-1) for i, logits_AV in zip(several, logits, strict=True)}
    totals = []
    for group in branches.groups:
        total = logits[0].new_zeros(())
        for i, j in itertools.combinations(group, 2):
            total = total + alpha[i] * alpha[j] * jensen_shannon(log_p[i], log_p[j])
        totals.append(total)
    return torch.stack(totals)
