"""Experts under one gate in plain torch: the specification (Jakiro, arXiv:2502.06282).

`expert_pair`, Eq. 6-8: two of N SwiGLU experts. The gate has 2 N outputs: N weigh the mixture, N the second prediction.
Of each half the two largest count, with a softmax of their own; hi is the larger, the first where both are alike.

    mixture   m = a_hi E_hi(u) + a_lo E_lo(u)        a = softmax of the two largest of g_0 .. g_{N-1}
    contrast  c = b_hi E_hi(u) - b_lo E_lo(u)        b = softmax of the two largest of g_N .. g_{2N-1}

With N = 2, as published, both experts always count, and the paper's learnable beta and alpha are b_hi and b_lo: they
depend on the input and sum to one. The sign of the contrast flips where g_2 = g_3. For N above 2 the released code
takes its weights from outputs other than those that it chose; what is written above is this repository's.

`experts_apart`, the decoupled variant: N experts W2_k GELU(W1_k u), none of them weighed, and the gate's law over them.

Shapes: H hidden, I the experts' inner width (H in Jakiro), N experts.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch.nn import functional

Second = Literal["contrast", "mixture"]


def expert_pair(
    u_RH: torch.Tensor,
    gate_GH: torch.Tensor,
    gate_up_proj: Sequence[tuple[torch.Tensor, torch.Tensor]],
    down_proj: Sequence[torch.Tensor],
    *,
    second: Second | None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Mixture and, if asked, a second prediction.

    Args:
        u_RH: normalised inputs, (..., H).
        gate_GH: gate weight, G = 2 N; the first N rows are the mixture's.
        gate_up_proj: per expert the SwiGLU gate and up weights, (I, H) each.
        down_proj: per expert (H, I).
        second: see `gated_pair`.
    """
    g = functional.linear(u_RH, gate_GH)
    outputs = [
        functional.linear(functional.silu(functional.linear(u_RH, gate)) * functional.linear(u_RH, up), down)
        for (gate, up), down in zip(gate_up_proj, down_proj, strict=True)
    ]
    return gated_pair(g, outputs, second=second)


def gated_pair(
    gates_RG: torch.Tensor, outputs: Sequence[torch.Tensor], *, second: Second | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Mixture and second prediction of gate and experts that were computed elsewhere.

    Args:
        gates_RG: outputs of the gate, (..., 2 N).
        outputs: of the N experts, (..., H) each.
        second: what the second half of the gate weighs: the contrast of its two experts, or their mixture; None where
            it is not wanted, and None is returned in its place.
    """
    count = len(outputs)
    outputs_RNH = torch.stack([*outputs], dim=-2)
    high, low = _two_of(gates_RG[..., :count], outputs_RNH)
    if second is None:
        return high + low, None
    later_high, later_low = _two_of(gates_RG[..., count:], outputs_RNH)
    return high + low, later_high - later_low if second == "contrast" else later_high + later_low


def experts_apart(
    u_RH: torch.Tensor, gate_NH: torch.Tensor, fc: Sequence[torch.Tensor], proj: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each expert's output (..., N, H), and the logarithms of their weights (..., N).

    Args:
        u_RH: normalised inputs, (..., H). What the weights say of them is no reason to change them.
        gate_NH: gate weight.
        fc: per expert W1, (I, H).
        proj: per expert W2, (H, I).
    """
    outputs = [
        functional.linear(functional.gelu(functional.linear(u_RH, up)), down) for up, down in zip(fc, proj, strict=True)
    ]
    return torch.stack(outputs, dim=-2), functional.linear(u_RH.detach(), gate_NH).log_softmax(dim=-1)


def _two_of(scores_RN: torch.Tensor, outputs_RNH: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The outputs of the two experts with the largest scores, each times its share."""
    scores, chosen = scores_RN.sort(dim=-1, descending=True, stable=True)
    shares_R2 = scores[..., :2].softmax(dim=-1)
    places = chosen[..., :2, None].expand(*chosen.shape[:-1], 2, outputs_RNH.shape[-1])
    weighed_R2H = shares_R2[..., None] * outputs_RNH.gather(-2, places)
    return weighed_R2H[..., 0, :], weighed_R2H[..., 1, :]
