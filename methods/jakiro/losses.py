"""Jakiro's training loss: EAGLE's on the mixture, and half of it again on the second prediction, one position further.

    L = (Lreg_moe + w Lreg_const) + 0.1 (Lcls_moe + 0.5 Lcls_const)

Paper (arXiv:2502.06282) and released code agree on the cross-entropy weights and differ on w: 1.0 in the paper, 0.5 in
the code. The default is the code's, for it trained the released checkpoints.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch

from offbook.engine.drafters.loss import BranchLoss

Weighting = Literal["code", "paper"]
CLASSIFICATION = 0.1
CONTRAST = 0.5
CONTRAST_REGRESSION: Mapping[Weighting, float] = {"code": 0.5, "paper": 1.0}


def weighed(weighting: Weighting) -> Callable[[BranchLoss, BranchLoss | None], torch.Tensor]:
    """The total loss of both branches, or of the first where there is no second, in one of the published weightings."""

    def loss(following: BranchLoss, later: BranchLoss | None) -> torch.Tensor:
        regression, classification = following.regression, following.classification
        if later is not None:
            regression = regression + CONTRAST_REGRESSION[weighting] * later.regression
            classification = classification + CONTRAST * later.classification
        return regression + CLASSIFICATION * classification

    return loss
