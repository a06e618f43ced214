"""Jakiro (arXiv:2502.06282) as a drafter: the shared draft layer with experts and CEPD.

CEPD (Contrastive-Enhanced Parallel Decoding) lets the last two levels of the tree come from one pass; see
`engine.decoding.feature_draft`, which every feature-level drafter shares. This is the variant the paper calls
Jakiro without a star: experts summed, deterministic candidates, hence lossless.

The paper's ablation has two switches. Whether the second prediction is the *contrast* of two experts is part of the
network (`second`); whether the last two levels come from *one pass* is one of decoding. Parallel without contrast is
`second="mixture"`; contrast without parallel is a network trained with it, drafting every level; with neither
(`second="none"`) it is EAGLE-2 with experts.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from pydantic import JsonValue

from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.feature_objective import feature_architecture
from offbook.kernels.expert_pair import Second
from offbook.methods.jakiro.experts import Experts
from offbook.methods.jakiro.losses import Weighting, weighed


def architecture(
    *,
    experts: int = 2,
    second: Second | Literal["none"] = "contrast",
    weighting: Weighting = "code",
    passes: int = 1,
    likeliest: float = 0.0,
    variant: Mapping[str, JsonValue] | None = None,
) -> DraftArchitecture:
    """Jakiro's network and objective.

    Args:
        experts: how many; 2 as published.
        second: how the position after next is predicted, if at all.
        weighting: of the losses, the released code's or the paper's.
        passes: see `feature_architecture`.
        likeliest: see `feature_architecture`.
        variant: of these what is not the default, for the checkpoint.
    """
    return feature_architecture(
        name="jakiro",
        feed_forward_name="mlp_moe",
        feed_forward=partial(Experts, count=experts, second="contrast" if second == "none" else second),
        contrast=second != "none",
        loss=weighed(weighting),
        schedule="cosine",
        weight_decay=1e-3,
        passes=passes,
        likeliest=likeliest,
        variant=variant,
    )


ARCHITECTURE = architecture()
