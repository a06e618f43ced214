"""Jakiro's feed-forward: experts under one gate, two of them mixed for the next position, two for the one after.

Parameter names follow the released checkpoints (`gate`, `experts.{0,1}.{gate,up,down}_proj`). Experts are SwiGLU blocks
as narrow as the hidden size; all of them run, and `kernels/expert_pair` says which two count. It is one operation on
the weights, unless a layout of the CPU has given each linear layer a product of its own.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.layouts.exchanged import exchanged
from offbook.kernels.expert_pair import Second, expert_pair, gated_pair


class Experts(nn.Module):
    """See `kernels/expert_pair` for the equations (arXiv:2502.06282, Eq. 6-8).

    Args:
        config: sizes of the draft layer.
        count: of experts; 2 in every published model.
        second: how the prediction of the position after next is made.
    """

    def __init__(self, config: DraftConfig, *, count: int = 2, second: Second = "contrast") -> None:
        super().__init__()
        self.gate = nn.Linear(config.hidden_size, 2 * count, bias=False)
        self.experts = nn.ModuleList([_Expert(config.hidden_size) for _ in range(count)])
        self._second: Second = second

    def forward(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        """See `FeedForward`."""
        second = self._second if contrast else None
        experts = cast(Iterable[_Expert], self.experts)
        if exchanged(self.gate):
            return gated_pair(self.gate(u_BTH), [expert(u_BTH) for expert in experts], second=second)
        gate_up_proj = [(expert.gate_proj.weight, expert.up_proj.weight) for expert in experts]
        down_proj = [expert.down_proj.weight for expert in experts]
        return expert_pair(u_BTH, self.gate.weight, gate_up_proj, down_proj, second=second)


class _Expert(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, width, bias=False)
        self.up_proj = nn.Linear(width, width, bias=False)
        self.down_proj = nn.Linear(width, width, bias=False)

    def forward(self, u_BTH: torch.Tensor) -> torch.Tensor:
        return self.down_proj(functional.silu(self.gate_proj(u_BTH)) * self.up_proj(u_BTH))  # type: ignore[no-any-return]  # a module's
