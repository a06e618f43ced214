"""Soft-threshold selection: which of a question's paths the student learns from now, and with what weight.

    I   = { k : p_k ≥ β max_j p_j },  p = π_τ(s)                    "relative" (ours, the default)
    I   = { k : s_k ≥ β max_j s_j },  s in (0, 1)                   "literal", as printed
    I   = { k : s_k ≥ min s + β (max s − min s) }                   "min_max": the printed rule on s stretched to [0, 1]
    I   = the m best                                                "top_m"
    α_k = exp(s_k/τ_student) / Σ_{j∈I} exp(s_j/τ_student), k ∈ I;  0 elsewhere

L_meta leaves a constant in s undetermined, and with it the printed rule's set: raw scores shifted by −3 keep nothing.
The other rules do not see the constant; the relative one keeps s_k ≥ max s − τ ln(1/β), every path whose predicted loss
is within τ ln(1/β) nats a token of the easiest. The literal rule is for a MetaNet with bounded scores.
arXiv:2601.03717.

Legend: K perspectives of one question.
"""

import math
from typing import Literal

import torch

Rule = Literal["relative", "literal", "min_max", "top_m", "all"]


def select(
    scores_K: torch.Tensor, path_mask_K: torch.Tensor, *, rule: Rule, beta: float, tau: float, keep: int = 1
) -> torch.Tensor:
    """I as a boolean (K,), never empty; missing paths are not in it.

    Args:
        scores_K: s.
        path_mask_K: which paths there are, at least one.
        rule: see the module; "all" keeps every path that is there (ablation).
        beta: β; 0 keeps all, 1 the best only.
        tau: τ of the relative rule.
        keep: m of "top_m".
    """
    assert path_mask_K.any(), "a question without paths"
    present = scores_K[path_mask_K]
    best, worst = present.max(), present.min()
    if rule == "top_m":
        least = present.topk(min(keep, len(present))).values[-1]
    elif rule == "all" or beta == 0:
        least = worst
    elif rule == "literal":
        least = beta * best
    elif rule == "min_max":
        least = (worst + beta * (best - worst)).clamp(max=best)
    else:
        least = best - tau * math.log(1 / beta)
    return path_mask_K & (scores_K >= least)


def weights(scores_K: torch.Tensor, kept_K: torch.Tensor, *, tau_student: float) -> torch.Tensor:
    """α (K,): softmax of the kept paths' scores at τ_student, 0 elsewhere; detached."""
    return (scores_K.detach() / tau_student).masked_fill(~kept_K, -torch.inf).softmax(-1)


def floored(alpha_K: torch.Tensor, path_mask_K: torch.Tensor, floor: float) -> torch.Tensor:
    """α with the share `floor` of it dealt alike to all paths that are there, so that none is ever without."""
    return (1 - floor) * alpha_K + floor * path_mask_K / path_mask_K.sum()
