"""The feature-level draft network that EAGLE and Jakiro share: one decoder layer over (token, feature) pairs.

    x_i = W_fc [e(t_{i+1}); f_i] + b          embedding first, feature second
    h_i = x_i + Attention(x_i)                no input norm: the feature is already normed
    u_i = RMSNorm(h_i)
    fhat_{i+1} = h_i + FFN(u_i)               no final norm: fhat imitates the post-norm feature

(EAGLE, arXiv:2401.15077, section 4.) Only the feed-forward differs between contenders; it is handed in.
Embedding and head are the target's, frozen, and not part of the network or its checkpoint.

Shapes: B batch, T rows, H hidden, S cache rows.
"""

from typing import Protocol

import torch
from torch import nn

from offbook.engine.decoding.draft_layer import Attention, DraftConfig, KeyValues
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.kernels.tree_attention import Visible


class FeedForward(Protocol):
    """The part in which contenders differ."""

    def __call__(self, u_BTH: torch.Tensor, *, contrast: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Residual for the next position and, if asked and known, for the one after it."""
        ...


class DraftNetwork(FeatureNetwork):
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
        visible: Visible,
        *,
        cache: KeyValues | None = None,
        contrast: bool = False,
        last_only: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """See `FeatureNetwork`; with `last_only` the feed-forward runs on the last row alone."""
        h, u = self.attended(embeds_BTH, features_BTH, positions_BT, visible, cache, last_only=last_only)
        layer = self.layers[0]
        assert isinstance(layer, _Layer)
        following, later = layer.feed_forward(u, contrast=contrast)
        return h + following, None if later is None else h + later

    def attended(
        self,
        embeds_BTH: torch.Tensor,
        features_BTH: torch.Tensor,
        positions_BT: torch.Tensor,
        visible: Visible,
        cache: KeyValues | None,
        *,
        last_only: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """h_i, to which a feed-forward adds, and u_i, which it reads, (B, T, H); of the last row alone if asked."""
        layer = self.layers[0]
        assert isinstance(layer, _Layer)
        x = self.fc(torch.cat([embeds_BTH, features_BTH], dim=-1))
        h = x + layer.self_attn(x, positions_BT, visible, cache)
        if last_only:
            h = h[:, -1:]
        return h, layer.post_attention_layernorm(h)


class _Layer(nn.Module):
    def __init__(self, config: DraftConfig, feed_forward: nn.Module, name: str) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.add_module(name, feed_forward)
        self._name = name

    @property
    def feed_forward(self) -> FeedForward:
        return getattr(self, self._name)  # type: ignore[no-any-return]  # registered above under the checkpoint's name
