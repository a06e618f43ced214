"""The draft layer of Jakiro with decoupled experts (Jakiro*, arXiv:2502.06282): every expert predicts alone.

    fhat_{i+1}^k = h_i + W2_k GELU(W1_k u_i)     of expert k; h_i and u_i are those of `engine.decoding.draft_network`
    w_i          = softmax(W_g u_i)               one weight an expert

Form and parameter names are the released code's. That code decodes with predictions to which no weight was applied;
the paper's Eq. 4 multiplies features by weights, which makes other logits of them and no shares. Ours: predictions
are left alone, and weights are kept beside them, as shares of probability (`schemes`). The gate learns from what the
layer has found and changes nothing in it, so that each prediction is what its own loss made it.

What is predicted of a row holds both: for each expert its feature and, behind that, the logarithm of its weight.

Shapes: B batch, T rows, E experts, H hidden, P = H + 1; R rows of any batch.
"""

from collections.abc import Iterable
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_layer import DraftConfig, KeyValues
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.layouts.exchanged import exchanged
from offbook.kernels.expert_pair import experts_apart
from offbook.kernels.tree_attention import Visible


class DecoupledExperts(nn.Module):
    """Experts of the target's own inner width, and their gate; one operation, as in `experts`.

    Args:
        config: sizes of the draft layer.
        count: of experts; 2 in every published model.
    """

    def __init__(self, config: DraftConfig, *, count: int) -> None:
        super().__init__()
        self.gate = nn.Linear(config.hidden_size, count, bias=False)
        self.experts = nn.ModuleList([_Expert(config) for _ in range(count)])

    def forward(self, u_BTH: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each expert's output (B, T, E, H), and the logarithms of their weights (B, T, E)."""
        experts = cast(Iterable[_Expert], self.experts)
        if exchanged(self.gate):
            outputs_BTEH = torch.stack([expert(u_BTH) for expert in experts], dim=-2)
            return outputs_BTEH, self.gate(u_BTH.detach()).log_softmax(dim=-1)
        fc, proj = ([getattr(expert, name).weight for expert in experts] for name in ("fc", "proj"))
        return experts_apart(u_BTH, self.gate.weight, fc, proj)


class _Expert(nn.Module):
    def __init__(self, config: DraftConfig) -> None:
        super().__init__()
        self.fc = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, u_BTH: torch.Tensor) -> torch.Tensor:
        return self.proj(functional.gelu(self.fc(u_BTH)))  # type: ignore[no-any-return]  # a module's


class DecoupledNetwork(DraftNetwork):
    """EAGLE's draft layer with one prediction an expert."""

    def __init__(self, config: DraftConfig, *, count: int) -> None:
        super().__init__(config, DecoupledExperts(config, count=count), "mlp_moe")

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
        """See `FeatureNetwork`: predictions (B, T, E, P), which `parted` takes apart; none for the position after."""
        h, u = self.attended(embeds_BTH, features_BTH, positions_BT, visible, cache, last_only=last_only)
        experts = self.layers[0].mlp_moe
        assert isinstance(experts, DecoupledExperts)
        outputs_BTEH, log_weights_BTE = experts(u)
        return torch.cat([h[..., None, :] + outputs_BTEH, log_weights_BTE[..., None]], dim=-1), None


def parted(predicted_REP: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (R, E, H) and logarithms of weights (R, E) of what the network predicts."""
    return predicted_REP[..., :-1], predicted_REP[..., -1]
