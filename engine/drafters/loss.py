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

from offbook.kernels.vocab_loss import Teacher, TeacherHead, TeacherTop, vocab_loss

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
        classification=law_loss(predicted_RH, head_DH, TeacherHead(hidden_NG=feature_RH, head_WG=head_DH)),
    )


def law_loss(states_RH: torch.Tensor, head_DH: torch.Tensor, law: Teacher) -> torch.Tensor:
    """- sum_v p(v) log q(v), the mean over rows; zero where there are none, and so is its gradient.

    It is KL(p ‖ q) and the entropy of p, which nothing is learned from.

    Args:
        states_RH: that the head reads.
        head_DH: whose law is q.
        law: p.
    """
    rows = max(1, len(states_RH))
    shares_R = states_RH.new_full((len(states_RH),), 1 / rows, dtype=torch.float32)
    found = vocab_loss(states_RH, head_DH, None, None, teacher=law, divergence_weights_N=shares_R, compact=False)
    return (found.loss + found.entropy_N.sum() / rows).float()


@torch.no_grad()
def target_law(feature_RH: torch.Tensor, head_DH: torch.Tensor) -> torch.Tensor:
    """The target's law p of rows (R, D), fp32."""
    return functional.linear(feature_RH, head_DH).float().softmax(dim=-1)


def likeliest_loss(predicted_RH: torch.Tensor, feature_RH: torch.Tensor, head_DH: torch.Tensor) -> torch.Tensor:
    """L_top over rows R; p is not normalised again over its ten."""
    probs_RK, ids_RK = target_law(feature_RH, head_DH).topk(min(LIKELIEST, head_DH.shape[0]), dim=-1)
    return law_loss(predicted_RH, head_DH, TeacherTop(ids_NK=ids_RK, probs_NK=probs_RK))
