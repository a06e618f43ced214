"""The feature-level draft network that EAGLE and Jakiro share: one decoder layer over (token, feature) pairs.

    x_i = W_fc [e(t_{i+1}); f_i] + b          embedding first, feature second
    h_i = x_i + Attention(x_i)                no input norm: the feature is already normed
    u_i = RMSNorm(h_i)
    fhat_{i+1} = h_i + FFN(u_i)               no final norm: fhat imitates the post-norm feature

(EAGLE, arXiv:2401.15077, section 4.) Only the feed-forward differs between contenders; it is handed in.
Embedding and head are the target's, frozen, and not part of the network or its checkpoint.

Shapes: B batch, T rows, H hidden, S cache rows.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from offbook.kernels.tree_attention import tree_attention


@dataclass(frozen=True, kw_only=True)
class DraftConfig:
    """Sizes of a draft layer; taken from the target unless a checkpoint says otherwise.

    `bias` is that of the fusion, `qkv_bias` that of queries, keys and values, as published layers for Qwen-2 have.
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


class Rows(Protocol):
    """Keys and values of earlier rows, such as a `TreeCache`."""

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int, /) -> tuple[torch.Tensor, torch.Tensor]:
        """These behind the earlier ones (B, heads, rows, d)."""
        ...


class FeedForward(Protocol):
    """The part in which contenders differ."""

    def __call__(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Residual for the next position and, if asked and known, for the one after it."""
        ...


class DraftNetwork(nn.Module):
    """One draft layer; parameter names follow the public EAGLE and Jakiro checkpoints (`fc`, `layers.0...`)."""

    def __init__(self, config: DraftConfig, feed_forward: nn.Module, feed_forward_name: str) -> None:
        super().__init__()
        self.config = config
        self.fc = nn.Linear(2 * config.hidden_size, config.hidden_size, bias=config.bias)
        self.layers = nn.ModuleList([_Layer(config, feed_forward, feed_forward_name)])

    def forward(
        self,
        embeds_BTH: torch.Tensor,
        features_BTH: torch.Tensor,
        positions_BT: torch.Tensor,
        visible_BTS: torch.Tensor,
        *,
        cache: Rows | None = None,
        contrast: bool = False,
        last_only: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Predicted features of the next position and, with `contrast`, of the one after it.

        Args:
            embeds_BTH: target embeddings of tokens t_{i+1}.
            features_BTH: target features f_i (or the network's own, deeper in a tree).
            positions_BT: position i of each pair.
            visible_BTS: boolean mask over cached rows and these.
            cache: holds earlier rows; the new ones are written behind them, not committed.
            contrast: whether the second prediction is wanted.
            last_only: run the feed-forward on the last row only; the result has T = 1.
        """
        layer = self.layers[0]
        assert isinstance(layer, _Layer)
        x = self.fc(torch.cat([embeds_BTH, features_BTH], dim=-1))
        h = x + layer.self_attn(x, positions_BT, visible_BTS, cache)
        if last_only:
            h = h[:, -1:]
        following, later = layer.feed_forward(layer.post_attention_layernorm(h), contrast=contrast)
        return h + following, None if later is None else h + later


class _Layer(nn.Module):
    def __init__(self, config: DraftConfig, feed_forward: nn.Module, name: str) -> None:
        super().__init__()
        self.self_attn = _Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.add_module(name, feed_forward)
        self._name = name

    @property
    def feed_forward(self) -> FeedForward:
        return getattr(self, self._name)  # type: ignore[no-any-return]  # registered above under the checkpoint's name


class _Attention(nn.Module):
    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        c = config
        self.config = c
        self.q_proj = nn.Linear(c.hidden_size, c.num_attention_heads * c.head_dim, bias=c.qkv_bias)
        self.k_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=c.qkv_bias)
        self.v_proj = nn.Linear(c.hidden_size, c.num_key_value_heads * c.head_dim, bias=c.qkv_bias)
        self.o_proj = nn.Linear(c.num_attention_heads * c.head_dim, c.hidden_size, bias=False)

    def forward(
        self, x: torch.Tensor, positions_BT: torch.Tensor, visible_BTS: torch.Tensor, cache: Rows | None
    ) -> torch.Tensor:
        batch, rows, _ = x.shape
        d = self.config.head_dim
        q, k, v = (p(x).view(batch, rows, -1, d).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        cos, sin = _rotary(positions_BT, d, self.config.rope_theta, x.dtype)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        if cache is not None:
            k, v = cache.update(k, v, 0)
        out = tree_attention(q, k, v, visible_BTS, scale=d**-0.5)
        attended: torch.Tensor = self.o_proj(out.transpose(1, 2).reshape(batch, rows, -1))
        return attended


def _rotary(positions_BT: torch.Tensor, d: int, theta: float, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (B, 1, T, d), half-split layout as in Llama; angles in fp32.

    Frequencies are 1 / theta^x, to the last bit those that public checkpoints were trained with: theta^-x rounds
    otherwise, and far into a text the angles then differ visibly.
    """
    exponents = torch.arange(0, d, 2, device=positions_BT.device, dtype=torch.float32) / d
    angles = positions_BT[:, None, :, None].float() * (1.0 / theta**exponents)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
