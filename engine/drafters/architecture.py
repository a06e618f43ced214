"""What tells one trainable drafter from another: its network, its objective, and the states of the target it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from pydantic import JsonValue
from torch import nn

from offbook.engine.decoding.draft_head import DraftHead, Head
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.batch import DraftBatch, LearnedRows


def last_state(layers: int) -> tuple[int, ...]:
    """The tap of drafters that read what the language-model head reads."""
    return (-1,)


@dataclass(frozen=True, kw_only=True)
class DraftArchitecture:
    """A drafter that is trained on the target's own answers.

    Attributes:
        name: the contender's name; written into checkpoints.
        build: an untrained network of these sizes.
        objective: the loss of a batch, 0-d; rows that do not count are left out by it.
        guesses: of a batch, the k likeliest target ids (B, T, k) of the token that row i predicts, t_{i+2}.
        schedule: learning-rate schedule of the paper, by transformers' name.
        weight_decay: of the paper's optimiser.
        taps: hidden states of a target of so many layers that it reads, side by side; see `engine.decoding.drafter`.
            Asked when a network is trained, and kept in its checkpoint.
        noise: whether the states that it learns from are noisy.
        own_head: the head that belongs to a network, over the draft vocabulary's ids; None where it is the target's.
        start: sets what an untrained network has from the target's head.
        ranks: of a batch, how often the r-th guess for each position ahead was right (positions, ranks), and of how
            many (positions,); written into checkpoints for drafters that grow their tree from it. None for others.
        contrast: whether the network predicts the position after next as well.
        variant: settings of network and objective that are not the defaults; written into checkpoints.
        width: inner width of its feed-forward, where that is not the target's.
        flops: floating-point operations of the training on one sequence, once; None where nobody counted them. See
            `engine.drafters.flops`.
        fitted: a network of the sizes of these tensors, where checkpoints of others have other sizes than those of
            `build`.
    """

    name: str
    build: Callable[[DraftConfig], nn.Module]
    objective: Callable[[nn.Module, DraftBatch, DraftHead], torch.Tensor]
    guesses: Callable[[nn.Module, DraftBatch, DraftHead, int], torch.Tensor]
    schedule: str
    weight_decay: float
    taps: Callable[[int], tuple[int, ...]] = last_state
    noise: bool = True
    own_head: Callable[[nn.Module, torch.Tensor], Head] | None = None
    start: Callable[[nn.Module, DraftHead], None] | None = None
    ranks: Callable[[nn.Module, DraftBatch, DraftHead], tuple[torch.Tensor, torch.Tensor]] | None = None
    contrast: bool = False
    variant: Mapping[str, JsonValue] = field(default_factory=dict)
    width: int | None = None
    flops: Callable[[nn.Module, LearnedRows, DraftHead], int] | None = None
    fitted: Callable[[DraftConfig, Mapping[str, torch.Tensor]], nn.Module] | None = None

    def network(self, layer: DraftConfig, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
        """An untrained network for a checkpoint: of its layer and, where that does not say all, of its tensors."""
        return self.build(layer) if self.fitted is None else self.fitted(layer, tensors)

    def sized(self, layer: DraftConfig, *, layers: int, draft_vocab_size: int) -> DraftConfig:
        """The sizes of its network for a target of so many layers, around those of a layer."""
        rows = 0 if self.own_head is None else draft_vocab_size
        inner = layer.intermediate_size if self.width is None else self.width
        return replace(layer, taps=self.taps(layers), draft_vocab_size=rows, intermediate_size=inner)


Architectures = Mapping[str, DraftArchitecture]
