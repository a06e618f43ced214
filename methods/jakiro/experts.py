"""Jakiro's feed-forward: two experts under one gate, mixed for the next position, contrasted for the one after.

Parameter names follow the released checkpoints (`gate`, `experts.{0,1}.{gate,up,down}_proj`). Experts are
SwiGLU blocks as narrow as the hidden size; both always run (top-2 of 2), so routing drops nothing.
"""

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.kernels.expert_pair import gated_pair


class ExpertPair(nn.Module):
    """See `kernels/expert_pair` for the equations (arXiv:2502.06282, Eq. 6-8)."""

    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.hidden_size, 4, bias=False)
        self.experts = nn.ModuleList([_Expert(config.hidden_size) for _ in range(2)])

    def forward(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        """See `FeedForward`."""
        first, second = (expert(u_BTH) for expert in self.experts)
        return gated_pair(self.gate(u_BTH), first, second, contrast=contrast)


class _Expert(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, width, bias=False)
        self.up_proj = nn.Linear(width, width, bias=False)
        self.down_proj = nn.Linear(width, width, bias=False)

    def forward(self, u_BTH: torch.Tensor) -> torch.Tensor:
        return self.down_proj(functional.silu(self.gate_proj(u_BTH)) * self.up_proj(u_BTH))  # type: ignore[no-any-return]  # a module's
