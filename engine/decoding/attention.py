"""The attention function that lets an unmodified transformers model look at a tree.

Registered under one name with transformers' own registry by `register()`; the backbone selects it. The
boolean mask travels as `attention_mask` (1 for "may look"), absolute positions of queries and keys as keyword
arguments that transformers hands through to every attention layer.
"""

from typing import Any

import torch
from transformers import AttentionInterface

from offbook.kernels.tree_attention import tree_attention

NAME = "offbook_tree"


def register() -> str:
    """Makes the function known to transformers (idempotent) and returns its name."""
    AttentionInterface.register(NAME, _attend)
    return NAME


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float | None = None,
    tree_positions: torch.Tensor,
    tree_key_positions: torch.Tensor,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    if s_aux is not None:
        msg = f"expected attention without sinks, got {type(module).__name__} with them; choose another --model"
        raise ValueError(msg)
    out = tree_attention(
        query,
        key,
        value,
        attention_mask[:, 0],
        scale=scaling if scaling is not None else query.shape[-1] ** -0.5,
        positions_BT=tree_positions,
        key_positions_BS=tree_key_positions,
        window=sliding_window,
        softcap=softcap,
    )
    return out.transpose(1, 2).contiguous(), None
