"""EAGLE-3 as a drafter: which layers of the target it reads, and how it is trained.

It drafts under EAGLE-2's dynamic tree (`engine.decoding.feature_draft`), which every feature-level drafter shares.
"""

from collections.abc import Mapping
from functools import partial

import torch
from pydantic import JsonValue
from torch import nn

from offbook.baselines.decoding.eagle3.network import Eagle3Network
from offbook.baselines.decoding.eagle3.objective import flops, guesses, objective
from offbook.engine.decoding.draft_head import DraftHead, OwnHead
from offbook.engine.drafters.architecture import DraftArchitecture


def taps(layers: int) -> tuple[int, ...]:
    """A low, a middle and a high hidden state of a target of so many layers, as the released code has them.

    Ours, below five layers: none lies on the wrong side of the middle one, so that several are the same. The last
    state, which is normed, is never one of them.
    """
    middle = layers // 2
    return min(2, middle), middle, max(layers - 3, middle)


def own_head(network: nn.Module, token_ids: torch.Tensor) -> OwnHead:
    """The network's head."""
    assert isinstance(network, Eagle3Network)
    return OwnHead(network.logits, token_ids)


@torch.no_grad()
def start(network: nn.Module, head: DraftHead) -> None:
    """The network's head begins as the target's, cut to the draft vocabulary; ours, the released code draws it."""
    assert isinstance(network, Eagle3Network)
    network.lm_head.weight.copy_(head.weight_DH)


def architecture(
    *, ttt_steps: int = 4, width: int | None = None, variant: Mapping[str, JsonValue] | None = None
) -> DraftArchitecture:
    """EAGLE-3's network and objective.

    Args:
        ttt_steps: positions over which the training-time test unrolls each row: one more than the default tree is deep;
            7 as published.
        width: inner width of its feed-forward; the target's by default.
        variant: of these what is not the default, for the checkpoint.
    """
    return DraftArchitecture(
        name="eagle3",
        build=Eagle3Network,
        objective=partial(objective, steps=ttt_steps),
        guesses=guesses,
        schedule="linear",
        weight_decay=0.0,
        taps=taps,
        noise=False,
        own_head=own_head,
        start=start,
        variant=variant or {},
        width=width,
        flops=partial(flops, steps=ttt_steps),
    )


ARCHITECTURE = architecture()
