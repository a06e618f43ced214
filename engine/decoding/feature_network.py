"""What a feature-level drafter asks of its network: the next feature from pairs of a token and a feature.

Features come from two origins. The target's hidden states are made features by `fuse`; what the network predicts is
one already, and is fed back as it is.

Shapes: B batch, T rows, H hidden, F taps x H, S cache rows.
"""

from abc import ABC, abstractmethod

import torch
from torch import nn

from offbook.engine.decoding.draft_layer import DraftConfig, KeyValues
from offbook.kernels.tree_attention import Visible


class FeatureNetwork(nn.Module, ABC):
    """A network over pairs; what its predictions mean is its head's matter (`engine.decoding.draft_head.Head`)."""

    config: DraftConfig

    def fuse(self, states_BTF: torch.Tensor) -> torch.Tensor:
        """Features (B, T, H) of the target's states; by default the state itself is the feature."""
        return states_BTF

    @abstractmethod
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
        """Predicted features of the next position (B, T, H) and, with `contrast` and if known, of the one after it.

        A network that predicts several a row brings a readout that reads them (`engine.decoding.readout`).

        Args:
            embeds_BTH: target embeddings of tokens t_{i+1}.
            features_BTH: features of position i: fused from the target's states, or the network's own.
            positions_BT: position i of each pair.
            visible: which of the cached rows and of these each row sees; boolean (B, T, S), or a `TreeMask`.
            cache: holds earlier rows; the new ones are written behind them, not committed.
            contrast: whether the second prediction is wanted.
            last_only: predict behind the last row only; the result has T = 1.
        """
