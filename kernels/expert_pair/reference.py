"""Two SwiGLU experts under one gate in plain torch: the specification (Jakiro, arXiv:2502.06282, Eq. 6-8).

The gate has four outputs: two weigh the mixture, two the contrast, each pair with a softmax of its own.

    mixture   m = a0 E0(u) + a1 E1(u)                a = softmax(g0, g1)
    contrast  c = b_hi E_hi(u) - b_lo E_lo(u)        b = softmax(g2, g3), hi = argmax(g2, g3)

The paper's learnable beta and alpha are b_hi and b_lo: they depend on the input and sum to one. The sign of
the contrast flips where g2 = g3.

Shapes: H hidden, I the experts' inner width (H in Jakiro).
"""

from collections.abc import Sequence

import torch
from torch.nn import functional


def expert_pair(
    u_RH: torch.Tensor,
    gate_4H: torch.Tensor,
    gate_up_proj: Sequence[tuple[torch.Tensor, torch.Tensor]],
    down_proj: Sequence[torch.Tensor],
    *,
    contrast: bool,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Mixture and, if asked, contrast of both experts.

    Args:
        u_RH: normalised inputs, (..., H).
        gate_4H: gate weight; rows 0-1 mixture, rows 2-3 contrast.
        gate_up_proj: per expert the SwiGLU gate and up weights, (I, H) each.
        down_proj: per expert (H, I).
        contrast: whether the second branch is wanted; without it None is returned in its place.
    """
    g = functional.linear(u_RH, gate_4H)
    out0, out1 = (
        functional.linear(functional.silu(functional.linear(u_RH, gate)) * functional.linear(u_RH, up), down)
        for (gate, up), down in zip(gate_up_proj, down_proj, strict=True)
    )
    return gated_pair(g, out0, out1, contrast=contrast)


def gated_pair(
    gates_R4: torch.Tensor, out0_RH: torch.Tensor, out1_RH: torch.Tensor, *, contrast: bool
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Mixture and contrast of gate and experts that were computed elsewhere."""
    g, out0, out1 = gates_R4, out0_RH, out1_RH
    a = g[..., :2].softmax(dim=-1)
    mixture = a[..., :1] * out0 + a[..., 1:] * out1
    if not contrast:
        return mixture, None
    b = g[..., 2:].softmax(dim=-1)
    difference = b[..., :1] * out0 - b[..., 1:] * out1
    sign = torch.where(g[..., 2:3] > g[..., 3:4], 1.0, -1.0).to(difference.dtype)
    return mixture, sign * difference
