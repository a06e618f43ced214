"""EAGLE-3's draft network (arXiv:2503.01840, section 3.1): one decoder layer, a fusion of the target's states, a head.

    g_i = W_fc a_i                                       a_i = [low; middle; high], raw states of the target
    x_i = [RMSNorm_e e(t_{i+1}); RMSNorm_g g_i]          what queries, keys and values are made of
    h_i = g_i + Attention(x_i)                           the residual is g_i without its norm; see below
    o_i = h_i + SwiGLU(RMSNorm_u h_i)
    q   = softmax(W_head RMSNorm_o o_i)   of t_{i+2}     over the draft vocabulary

Behind a drafted token g is o of its parent's row, without a norm and without W_fc: what is fused is decided by where
it comes from, for states of the target may be as wide as predictions. With `norm_before_residual` of its sizes,
which vllm-project/speculators trains, the residual is RMSNorm_g g_i. Parameters have the names of published
checkpoints; the embedding is the target's.

Shapes: B batch, T rows, R rows, H hidden, F taps x H, S cache rows, Vd draft vocabulary.
"""

import torch
from torch import nn

from offbook.engine.decoding.draft_layer import Attention, DraftConfig, KeyValues, SwiGLU
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.kernels.tree_attention import Visible


class Eagle3Network(FeatureNetwork):
    """See the module; `config` says which states it reads, and how many rows its head has."""

    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.config = config
        self.fc = nn.Linear(len(config.taps) * hidden, hidden, bias=False)
        self.midlayer = _Layer(config)
        self.norm = nn.RMSNorm(hidden, eps=config.rms_norm_eps)
        self.lm_head = nn.Linear(hidden, config.draft_vocab_size, bias=False)

    def fuse(self, states_BTF: torch.Tensor) -> torch.Tensor:
        """See `FeatureNetwork`: g."""
        fused: torch.Tensor = self.fc(states_BTF)
        return fused

    def logits(self, features_RH: torch.Tensor) -> torch.Tensor:
        """Of the draft vocabulary (R, Vd), behind predictions o."""
        logits: torch.Tensor = self.lm_head(self.norm(features_RH))
        return logits

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
    ) -> tuple[torch.Tensor, None]:
        """See `FeatureNetwork`: o of these rows, and no second prediction."""
        layer = self.midlayer
        normed = layer.hidden_norm(features_BTH)
        x = torch.cat([layer.input_layernorm(embeds_BTH), normed], dim=-1)
        before = normed if self.config.norm_before_residual else features_BTH
        h = before + layer.self_attn(x, positions_BT, visible, cache)
        if last_only:
            h = h[:, -1:]
        residual, _ = layer.mlp(layer.post_attention_layernorm(h), contrast=False)
        return h + residual, None


class _Layer(nn.Module):
    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        hidden, eps = config.hidden_size, config.rms_norm_eps
        self.input_layernorm = nn.RMSNorm(hidden, eps=eps)
        self.hidden_norm = nn.RMSNorm(hidden, eps=eps)
        self.self_attn = Attention(config, inputs=2 * hidden)
        self.post_attention_layernorm = nn.RMSNorm(hidden, eps=eps)
        self.mlp = SwiGLU(config)
