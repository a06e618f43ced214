"""How far apart two next-token distributions are: the Jensen-Shannon divergence, and the forward one from a teacher.

Legend: A positions, N predicted tokens, V vocabulary.
"""

import math

import torch
from torch.nn import functional


def jensen_shannon(log_p_AV: torch.Tensor, log_q_AV: torch.Tensor) -> torch.Tensor:
    """JSD(P ‖ Q) in nats, a mean over positions: 0 for equal ones, ln 2 for disjoint ones. Log-probabilities finite."""
    log_m_AV = torch.logaddexp(log_p_AV, log_q_AV) - math.log(2)
    divergence_A = (log_p_AV.exp() * (log_p_AV - log_m_AV) + log_q_AV.exp() * (log_q_AV - log_m_AV)).sum(-1) / 2
    return divergence_A.mean()


def forward_kl(teacher_NV: torch.Tensor, student_NV: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """KL(p‖q) of every row (N,), in nats, over the ids both have; p is the teacher's, and no gradient reaches it."""
    width = min(teacher_NV.shape[-1], student_NV.shape[-1])
    log_p = (teacher_NV[:, :width].detach() / temperature).log_softmax(dim=-1)
    log_q = (student_NV[:, :width] / temperature).log_softmax(dim=-1)
    return functional.kl_div(log_q, log_p, log_target=True, reduction="none").sum(dim=-1)
