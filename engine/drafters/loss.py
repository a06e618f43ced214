"""Losses of a feature-level drafter on one branch (EAGLE, arXiv:2401.15077, section 4.2).

    L_reg = mean over rows and hidden units of SmoothL1(fhat, f)      (beta = 1)
    L_cls = mean over rows of - sum_v p(v) log q(v)                   p from the target's own feature
    L_top = the same over the ten v that are likeliest in p           (HASS, arXiv:2408.15766, section 3.1)

Both distributions live on the draft vocabulary: p is the target's softmax restricted to it, as in EAGLE-3.

Shapes: R rows, H hidden, D draft vocabulary.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

LIKELIEST = 10  # tokens, as HASS has it


@dataclass(frozen=True, kw_only=True)
class BranchLoss:
    """Mean losses of one prediction over the rows that count: feature regression and token cross-entropy."""

    regression: torch.Tensor
    classification: torch.Tensor


def branch_loss(predicted_RH: torch.Tensor, feature_RH: torch.Tensor, head_DH: torch.Tensor) -> BranchLoss:
    """Both losses over rows R; `feature_RH` are the target's features that `predicted_RH` should equal.

    Without rows (a batch of prompts alone) both are zero, and so are their gradients.
    """
    if predicted_RH.shape[0] == 0:
        nothing = predicted_RH.sum().float()
        return BranchLoss(regression=nothing, classification=nothing)
    return BranchLoss(
        regression=functional.smooth_l1_loss(predicted_RH.float(), feature_RH.float()),
        classification=cross_entropy(functional.linear(predicted_RH, head_DH), target_law(feature_RH, head_DH)),
    )


@torch.no_grad()
def target_law(feature_RH: torch.Tensor, head_DH: torch.Tensor) -> torch.Tensor:
    """The target's law p of rows (R, D), fp32."""
    return functional.linear(feature_RH, head_DH).float().softmax(dim=-1)


def cross_entropy(logits_RD: torch.Tensor, target_RD: torch.Tensor) -> torch.Tensor:
    """- sum_v p(v) log q(v), the mean over rows; zero where there are none, and so is its gradient."""
    if logits_RD.shape[0] == 0:
        return logits_RD.sum().float()
    return -(target_RD * logits_RD.float().log_softmax(dim=-1)).sum(dim=-1).mean()


def likeliest_loss(predicted_RH: torch.Tensor, feature_RH: torch.Tensor, head_DH: torch.Tensor) -> torch.Tensor:
    """L_top over rows R; p is not normalised again over its ten."""
    if predicted_RH.shape[0] == 0:
        return predicted_RH.sum().float()
    target_RD = target_law(feature_RH, head_DH)
    p_RK, ids_RK = target_RD.topk(min(LIKELIEST, target_RD.shape[-1]), dim=-1)
    log_q_RD = functional.linear(predicted_RH, head_DH).float().log_softmax(dim=-1)
    return -(p_RK * log_q_RD.gather(-1, ids_RK)).sum(dim=-1).mean()
