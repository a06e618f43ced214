"""EAGLE-2 (arXiv:2406.16858): EAGLE's draft layer with a SwiGLU feed-forward, under a dynamic tree.

Everything it shares with other feature-level drafters lives in `engine.decoding.feature_draft`; its own part is the
loss L = L_reg + 0.1 L_cls (EAGLE, arXiv:2401.15077, section 4.2).
"""

from collections.abc import Mapping

import torch
from pydantic import JsonValue

from offbook.engine.decoding.draft_layer import SwiGLU
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.feature_objective import feature_architecture
from offbook.engine.drafters.loss import BranchLoss


def loss(following: BranchLoss, later: BranchLoss | None) -> torch.Tensor:
    """L = L_reg + 0.1 L_cls."""
    return following.regression + 0.1 * following.classification


def architecture(
    *,
    passes: int = 1,
    likeliest: float = 0.0,
    width: int | None = None,
    variant: Mapping[str, JsonValue] | None = None,
) -> DraftArchitecture:
    """EAGLE-2's network and objective; the arguments are those of `feature_architecture`."""
    return feature_architecture(
        name="eagle2",
        feed_forward_name="mlp",
        feed_forward=SwiGLU,
        contrast=False,
        loss=loss,
        schedule="linear",
        weight_decay=1e-2,  # torch's AdamW default, as in the reference
        passes=passes,
        likeliest=likeliest,
        width=width,
        variant=variant,
    )


ARCHITECTURE = architecture()
