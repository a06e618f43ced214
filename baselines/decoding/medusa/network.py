"""Medusa's heads (arXiv:2401.10774), each for a position further ahead than the one before.

    head i (0, 1, ...):  z_i = f_j + SiLU(W_i f_j + b_i),   W_i = 0 at the start      (section 2.1.1)
                         q_i = softmax(U z_i)  of t_{j+2+i},  the target's own head U, cut to the draft vocabulary

f_j is the feature that the target read t_{j+1} off, the root. Heads see neither the root nor each other. They share U,
or have a U_i each, which begins as U: published ones do, and `own_heads` trains some here.

Shapes: R rows, H hidden, I heads.
"""

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig

HEADS = 4
RANKS = 10  # guesses of a head that are told apart


class MedusaHeads(nn.Module):
    """The residual blocks; what they give is read by the target's own head, or by heads of their own.

    Args:
        config: of the target.
        heads: positions ahead.
        own_rows: of an own language-model head for each; 0 without.
    """

    def __init__(self, config: DraftConfig, heads: int = HEADS, own_rows: int = 0) -> None:
        super().__init__()
        width = config.hidden_size
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(heads))
        self.heads = nn.ParameterList(torch.empty(own_rows, width) for _ in range(heads if own_rows else 0))
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.zeros_(parameter)

    def forward(self, features_RH: torch.Tensor) -> torch.Tensor:
        """States (I, R, H) of all heads at features (R, H)."""
        return torch.stack([features_RH + functional.silu(block(features_RH)) for block in self.blocks])


def fitted(config: DraftConfig, tensors: Mapping[str, torch.Tensor]) -> MedusaHeads:
    """As many heads as a checkpoint has, with or without language-model heads of their own."""
    blocks = sum(name.startswith("blocks.") and name.endswith(".weight") for name in tensors)
    own = tensors.get("heads.0")
    return MedusaHeads(config, max(1, blocks), 0 if own is None or own.dim() != 2 else own.shape[0])


@torch.no_grad()
def start_own_heads(network: nn.Module, head: DraftHead) -> None:
    """Language-model heads of their own begin as the target's, cut to the draft vocabulary (section 2.1.1)."""
    assert isinstance(network, MedusaHeads)
    network.heads = nn.ParameterList(head.weight_DH.detach().clone() for _ in network.blocks)
