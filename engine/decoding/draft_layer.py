"""What draft layers are made of: their sizes, attention with rotary positions over rows kept so far, a feed-forward.

Shapes: B batch, T rows, H hidden, S rows kept, G key/value heads, D head size.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.rope_scaling import RopeScaling, turns
from offbook.kernels.tree_attention import Visible, tree_attention


@dataclass(frozen=True, kw_only=True)
class DraftConfig:
    """Sizes of a draft network; the layer's are taken from the target unless a checkpoint says otherwise.

    Attributes:
        bias: of the fusion.
        qkv_bias: of queries, keys and values, as published layers for Qwen-2 have.
        taps: hidden states of the target that it reads, side by side; see `engine.decoding.drafter`.
        draft_vocab_size: rows of a head of its own; 0 where it reads the target's.
        norm_before_residual: whether what is added to the attention of EAGLE-3's layer is the normed feature, as some
            published layers have it.
        rope_scaling: how its positions are scaled, as published layers for long texts have it; None as they are.
    """

    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    bias: bool = True
    qkv_bias: bool = False
    taps: tuple[int, ...] = (-1,)
    draft_vocab_size: int = 0
    norm_before_residual: bool = False
    rope_scaling: RopeScaling | None = None


class KeyValues(Protocol):
    """Where keys and values of earlier rows are: a `TreeCache`, or whatever a training keeps."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, /
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes those of new rows, (B, G, T, D), and gives all, (B, G, S, D), the new ones last."""
        ...


class Attention(nn.Module):
    """Grouped-query attention of a draft layer; `inputs` is the width of its rows, H by default."""

    def __init__(self, config: DraftConfig, *, inputs: int | None = None) -> None:
        super().__init__()
        c = config
        self.config = c
        width = c.hidden_size if inputs is None else inputs
        self.q_proj = nn.Linear(width, c.num_attention_heads * c.head_dim, bias=c.qkv_bias)
        self.k_proj = nn.Linear(width, c.num_key_value_heads * c.head_dim, bias=c.qkv_bias)
        self.v_proj = nn.Linear(width, c.num_key_value_heads * c.head_dim, bias=c.qkv_bias)
        self.o_proj = nn.Linear(c.num_attention_heads * c.head_dim, c.hidden_size, bias=False)

    def forward(
        self, x: torch.Tensor, positions_BT: torch.Tensor, visible: Visible, cache: KeyValues | None
    ) -> torch.Tensor:
        """(B, T, H) of rows at these positions, each over the rows that it sees."""
        batch, rows, _ = x.shape
        d = self.config.head_dim
        q, k, v = (p(x).view(batch, rows, -1, d).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        cos, sin = rotary(positions_BT, d, self.config.rope_theta, x.dtype, self.config.rope_scaling)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        if cache is not None:
            k, v = cache.update(k, v, 0)
        out = tree_attention(q, k, v, visible, scale=d**-0.5)
        attended: torch.Tensor = self.o_proj(out.transpose(1, 2).reshape(batch, rows, -1))
        return attended


class SwiGLU(nn.Module):
    """The Llama feed-forward at the target's width."""

    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, None]:
        """See `FeedForward`; there is no second prediction."""
        return self.down_proj(functional.silu(self.gate_proj(u_BTH)) * self.up_proj(u_BTH)), None


def rotary(
    positions_BT: torch.Tensor, d: int, theta: float, dtype: torch.dtype, scaling: RopeScaling | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (B, 1, T, d), half-split layout as in Llama; angles in fp32.

    Frequencies are 1 / theta^x, to the last bit those that public checkpoints were trained with: theta^-x rounds
    otherwise, and far into a text the angles then differ visibly. Those that are scaled are transformers' own.
    """
    if scaling is None:
        exponents = torch.arange(0, d, 2, device=positions_BT.device, dtype=torch.float32) / d
        frequencies, factor = 1.0 / theta**exponents, 1.0
    else:
        frequencies, factor = turns(scaling, d, theta, positions_BT.device)
    angles = positions_BT[:, None, :, None].float() * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    cos, sin = angles.cos(), angles.sin()
    if factor != 1.0:
        cos, sin = cos * factor, sin * factor
    return cos.to(dtype), sin.to(dtype)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
