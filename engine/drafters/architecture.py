"""What tells one trainable drafter from another: its network, its objective, and the states of the target it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from pydantic import JsonValue
from torch import nn

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_network import DraftConfig
from offbook.engine.drafters.batch import DraftBatch


@dataclass(frozen=True, kw_only=True)
class DraftArchitecture:
    """A drafter that is trained on the target's own answers.

    Attributes:
        name: the contender's name; written into checkpoints.
        build: an untrained network of the sizes of a draft layer.
        objective: the loss of a batch, 0-d; rows that do not count are left out by it.
        guesses: of a batch, the k likeliest target ids (B, T, k) of the token that row i predicts, t_{i+2}.
        schedule: learning-rate schedule of the paper, by transformers' name.
        weight_decay: of the paper's optimiser.
        taps: hidden states of the target that it reads, side by side; see `engine.decoding.drafter`.
        ranks: of a batch, how often the r-th guess for each position ahead was right (positions, ranks), and of how
            many (positions,); written into checkpoints for drafters that grow their tree from it. None for others.
        contrast: whether the network predicts the position after next as well.
        variant: settings of network and objective that are not the defaults; written into checkpoints.
        sized: a network of the sizes of these tensors, where checkpoints of others have other sizes than `build` gives.
    """

    name: str
    build: Callable[[DraftConfig], nn.Module]
    objective: Callable[[nn.Module, DraftBatch, DraftHead], torch.Tensor]
    guesses: Callable[[nn.Module, DraftBatch, DraftHead, int], torch.Tensor]
    schedule: str
    weight_decay: float
    taps: tuple[int, ...] = (-1,)
    ranks: Callable[[nn.Module, DraftBatch, DraftHead], tuple[torch.Tensor, torch.Tensor]] | None = None
    contrast: bool = False
    variant: Mapping[str, JsonValue] = field(default_factory=dict)
    sized: Callable[[DraftConfig, Mapping[str, torch.Tensor]], nn.Module] | None = None

    def network(self, layer: DraftConfig, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
        """An untrained network for a checkpoint: of its layer and, where that does not say all, of its tensors."""
        return self.build(layer) if self.sized is None else self.sized(layer, tensors)


Architectures = Mapping[str, DraftArchitecture]
