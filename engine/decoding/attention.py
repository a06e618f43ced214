"""The attention function that lets an unmodified transformers model look at a tree.

Registered under one name with transformers' own registry by `register()`; the backbone selects it. What rows may
see travels as `attention_mask`, four-dimensional so that models hand it through as it is: boolean, (B, 1, T, S), or the
words of a `TreeMask`, (B, 1, T, W), with the length of its prefix. That and absolute positions are keyword arguments,
which transformers hands through to every attention layer.
"""

from typing import Any

import torch
from transformers import AttentionInterface

from offbook.kernels.tree_attention import TreeMask, Visible, prefix_and_tree, tree_attention

NAME = "offbook_tree"


def register() -> str:
    """Makes the function known to transformers (idempotent) and returns its name."""
    AttentionInterface.register(NAME, _attend)
    return NAME


def arguments(positions_BT: torch.Tensor, visible_TT: torch.Tensor, length: int | torch.Tensor) -> dict[str, Any]:
    """What a model's forward takes for rows that see each other as said, and all `length` rows in front of them.

    Args:
        positions_BT: absolute positions of the rows; row i of those in front sits at i.
        visible_TT: boolean, for every sequence of the batch; or the words of it, (T, W), behind a length on the device.
        length: rows in front; a tensor where only the device knows.
    """
    batch = positions_BT.shape[0]
    if isinstance(length, torch.Tensor) and visible_TT.dtype == torch.int64:
        visible: Visible = TreeMask(words_BTW=visible_TT[None], length_B=length, rows=visible_TT.shape[0])
    else:
        visible = prefix_and_tree(visible_TT, length)
    if isinstance(visible, TreeMask):
        words_BTW = visible.words_BTW.expand(batch, -1, -1)
        return {
            "attention_mask": words_BTW[:, None],
            "tree_positions": positions_BT,
            "tree_length": visible.length_B,
        }
    before = visible.shape[2] - visible_TT.shape[1]
    prefix_BS = torch.arange(before, device=positions_BT.device).expand(batch, -1)
    return {
        "attention_mask": visible.expand(batch, -1, -1)[:, None],
        "tree_positions": positions_BT,
        "tree_key_positions": torch.cat([prefix_BS, positions_BT], dim=1),
    }


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float | None = None,
    tree_positions: torch.Tensor,
    tree_key_positions: torch.Tensor | None = None,
    tree_length: torch.Tensor | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    if s_aux is not None:
        msg = f"expected attention without sinks, got {type(module).__name__} with them; choose another --model"
        raise ValueError(msg)
    words_or_mask = attention_mask[:, 0]
    visible: Visible = words_or_mask
    if tree_length is not None:
        rows = query.shape[2]
        visible = TreeMask(words_BTW=words_or_mask, length_B=tree_length, rows=rows, positions_BN=tree_positions)
    out = tree_attention(
        query,
        key,
        value,
        visible,
        scale=scaling if scaling is not None else query.shape[-1] ** -0.5,
        positions_BT=tree_positions,
        key_positions_BS=tree_key_positions,
        window=sliding_window,
        softcap=softcap,
    )
    return out.transpose(1, 2).contiguous(), None
