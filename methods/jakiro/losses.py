"""Jakiro's training loss: EAGLE's on the mixture, and half of it again on the contrast, one position further.

    L = (Lreg_moe + w Lreg_const) + 0.1 (Lcls_moe + 0.5 Lcls_const)

Paper (arXiv:2502.06282) and released code agree on the cross-entropy weights and differ on w: 1.0 in the
paper, 0.5 in the code. Ours: 0.5, because the released checkpoints were trained by the code.
"""

import torch

from offbook.engine.drafters.loss import BranchLoss

CLASSIFICATION = 0.1
CONTRAST = 0.5


def loss(following: BranchLoss, later: BranchLoss | None) -> torch.Tensor:
    """Total loss of both branches."""
    assert later is not None, "the contrast branch is always trained"
    regression = following.regression + CONTRAST * later.regression
    classification = following.classification + CONTRAST * later.classification
    return regression + CLASSIFICATION * classification
