"""What tells one trainable drafter from another: its feed-forward, whether it predicts two positions, its loss."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from offbook.engine.decoding.draft_network import DraftConfig, DraftNetwork


@dataclass(frozen=True, kw_only=True)
class BranchLoss:
    """Mean losses of one prediction over the rows that count: feature regression and token cross-entropy."""

    regression: torch.Tensor
    classification: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class DraftArchitecture:
    """A drafter over the shared draft layer.

    Attributes:
        name: the contender's name; written into checkpoints.
        feed_forward_name: the module's name inside the layer, as public checkpoints spell it.
        feed_forward: makes the feed-forward from the layer's sizes.
        contrast: whether it predicts the position after next as well.
        loss: total loss from the loss of the next position and, with `contrast`, of the one after it.
        schedule: learning-rate schedule of the paper, by transformers' name.
        weight_decay: of the paper's optimiser.
    """

    name: str
    feed_forward_name: str
    feed_forward: Callable[[DraftConfig], nn.Module]
    contrast: bool
    loss: Callable[[BranchLoss, BranchLoss | None], torch.Tensor]
    schedule: str
    weight_decay: float

    def build(self, config: DraftConfig) -> DraftNetwork:
        """An untrained network."""
        return DraftNetwork(config, self.feed_forward(config), self.feed_forward_name)


Architectures = Mapping[str, DraftArchitecture]
