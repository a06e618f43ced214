"""How far apart two next-token distributions are: the Jensen-Shannon divergence.

Legend: A positions, V vocabulary.
"""

import math

import torch


def jensen_shannon(log_p_AV: torch.Tensor, log_q_AV: torch.Tensor) -> torch.Tensor:
    """JSD(P ‖ Q) in nats, a mean over positions: 0 for equal ones, ln 2 for disjoint ones. Log-probabilities finite."""
    log_m_AV = torch.logaddexp(log_p_AV, log_q_AV) - math.log(2)
    divergence_A = (log_p_AV.exp() * (log_p_AV - log_m_AV) + log_q_AV.exp() * (log_q_AV - log_m_AV)).sum(-1) / 2
    return divergence_A.mean()
