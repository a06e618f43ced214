"""Tree attention in plain torch: the specification every faster implementation is held to.

Each query row sees the key rows its boolean mask row allows, and inside a sliding window only keys whose
*absolute position* lies less than `window` behind the query's (siblings of a tree share a position, so a
window counted in cache rows would be wrong). Grouped-query heads are folded into the query rows, so keys
and values are read where they lie instead of being repeated. A mask in words is first written out.

Shapes: B batch, H query heads, G key/value heads (H a multiple of G), T query rows, S key rows, D head size.
"""

import torch
from torch.nn import functional

from offbook.kernels.tree_attention.mask import TreeMask, Visible


def tree_attention(
    q_BHTD: torch.Tensor,
    k_BGSD: torch.Tensor,
    v_BGSD: torch.Tensor,
    visible: Visible,
    *,
    scale: float,
    positions_BT: torch.Tensor | None = None,
    key_positions_BS: torch.Tensor | None = None,
    window: int | None = None,
    softcap: float | None = None,
) -> torch.Tensor:
    """Masked softmax attention, shape (B, H, T, D).

    Args:
        q_BHTD: queries.
        k_BGSD: keys.
        v_BGSD: values.
        visible: boolean (B, T, S), True where a query row may look, or a `TreeMask`; every row sees at least one key.
        scale: factor on the dot products.
        positions_BT: absolute positions of the query rows; needed with `window`.
        key_positions_BS: absolute positions of the key rows; needed with `window`, but a `TreeMask` knows them.
        window: keys at position <= query position - window are hidden.
        softcap: scores become softcap * tanh(score / softcap) before the mask (Gemma 2).
    """
    B, H, T, D = q_BHTD.shape
    G, S = k_BGSD.shape[1], k_BGSD.shape[2]
    if isinstance(visible, TreeMask):
        if window is not None:
            key_positions_BS = visible.key_positions(S)
        missing_B1S1 = ~visible.exists(S)[:, None, :, None]  # whatever lies there may be no number, not even times zero
        k_BGSD, v_BGSD = k_BGSD.masked_fill(missing_B1S1, 0), v_BGSD.masked_fill(missing_B1S1, 0)
        visible = visible.visible(S)
    if window is not None:
        visible = within_window(visible, positions_BT, key_positions_BS, window)
    folded = H // G
    q = q_BHTD.reshape(B, G, folded * T, D)
    mask = visible[:, None, None].expand(B, 1, folded, T, S).reshape(B, 1, folded * T, S)
    if softcap is None:
        out = functional.scaled_dot_product_attention(q, k_BGSD, v_BGSD, attn_mask=mask, scale=scale)
    else:
        scores = (q @ k_BGSD.transpose(-1, -2)).to(torch.promote_types(q.dtype, torch.float32)) * scale
        scores = softcap * torch.tanh(scores / softcap)
        weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
        out = weights.to(v_BGSD.dtype) @ v_BGSD
    return out.reshape(B, H, T, D)


def within_window(
    visible_BTS: torch.Tensor,
    positions_BT: torch.Tensor | None,
    key_positions_BS: torch.Tensor | None,
    window: int,
) -> torch.Tensor:
    """The mask without keys that lie too far behind."""
    assert positions_BT is not None
    assert key_positions_BS is not None
    return visible_BTS & (key_positions_BS[:, None, :] > positions_BT[:, :, None] - window)
