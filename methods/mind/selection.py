"""Soft-threshold selection: which of a question's paths the student learns from now, and with what weight.

    I   = { k : p_k ≥ β max_j p_j },  p = π_τ(s)                    "relative" (ours, the default)
    I   = { k : s_k ≥ β max_j s_j },  s in (0, 1)                   "literal", as printed
    α_k = exp(s_k/τ_student) / Σ_{j∈I} exp(s_j/τ_student), k ∈ I;  0 elsewhere

L_meta leaves a constant in s undetermined, and with it the printed rule's set: raw scores shifted by −3 keep nothing.
The relative rule does not see the constant; it keeps s_k ≥ max s − τ ln(1/β), every path whose predicted loss is within
τ ln(1/β) nats a token of the easiest. The literal rule is for a MetaNet with bounded scores. arXiv:2601.03717.

Legend: K perspectives of one question.
"""

import math
from typing import Literal

import torch

Rule = Literal["relative", "literal", "all"]


def select(scores_K: torch.Tensor, path_mask_K: torch.Tensor, *, rule: Rule, beta: float, tau: float) -> torch.Tensor:
    """I as a boolean (K,), never empty; missing paths are not in it.

    Args:
        scores_K: s.
        path_mask_K: which paths there are, at least one.
        rule: see the module; "all" keeps every path that is there (ablation).
        beta: β; 0 keeps all, 1 the best only.
        tau: τ of the relative rule.
    """
    assert path_mask_K.any(), "a question without paths"
    if rule == "all" or beta == 0:
        return path_mask_K.clone()
    best = scores_K[path_mask_K].max()
    if rule == "literal":
        return path_mask_K & (scores_K >= beta * best)
    return path_mask_K & (scores_K >= best - tau * math.log(1 / beta))


def weights(scores_K: torch.Tensor, kept_K: torch.Tensor, *, tau_student: float) -> torch.Tensor:
    """α (K,): softmax of the kept paths' scores at τ_student, 0 elsewhere; detached."""
    return (scores_K.detach() / tau_student).masked_fill(~kept_K, -torch.inf).softmax(-1)
