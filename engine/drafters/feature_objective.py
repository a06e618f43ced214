"""Training of a drafter over the shared draft layer: it predicts the target's next feature (EAGLE, arXiv:2401.15077).

    input    token t_{i+1}, feature f_i + noise
    target   feature f_{i+1}, distribution softmax(W f_{i+1}) over t_{i+2}
    contrast feature f_{i+2}, distribution softmax(W f_{i+2}) over t_{i+3}

Contenders differ in their feed-forward, in whether they predict the contrast, and in how both losses are weighed.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftBatch
from offbook.engine.drafters.loss import BranchLoss, branch_loss

Weigh = Callable[[BranchLoss, BranchLoss | None], torch.Tensor]


def feature_architecture(
    *,
    name: str,
    feed_forward_name: str,
    feed_forward: Callable[[DraftConfig], nn.Module],
    contrast: bool,
    loss: Weigh,
    schedule: str,
    weight_decay: float,
) -> DraftArchitecture:
    """A drafter over the shared draft layer.

    Args:
        name: the contender's name.
        feed_forward_name: the module's name inside the layer, as public checkpoints spell it.
        feed_forward: makes the feed-forward from the layer's sizes.
        contrast: whether it predicts the position after next as well.
        loss: total loss from the loss of the next position and, with `contrast`, of the one after it.
        schedule: learning-rate schedule of the paper, by transformers' name.
        weight_decay: of the paper's optimiser.
    """

    def objective(network: nn.Module, batch: DraftBatch, head: DraftHead) -> torch.Tensor:
        following, later = _predicted(network, batch, contrast=contrast)
        first, second = batch.following_BT, batch.later_BT
        target_1 = batch.features_BSH[:, 1:]
        target_2 = functional.pad(batch.features_BSH[:, 2:], (0, 0, 0, 1))
        following_loss = branch_loss(following[first], target_1[first], head.weight_DH)
        later_loss = None if later is None else branch_loss(later[second], target_2[second], head.weight_DH)
        return loss(following_loss, later_loss)

    return DraftArchitecture(
        name=name,
        build=lambda config: DraftNetwork(config, feed_forward(config), feed_forward_name),
        objective=objective,
        guesses=_guesses,
        schedule=schedule,
        weight_decay=weight_decay,
        contrast=contrast,
    )


def _guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    following, _ = _predicted(network, batch, contrast=False)
    rows, count, _ = following.shape
    _, ids = head.top(following.flatten(0, 1), k)
    return ids.view(rows, count, k)


def _predicted(network: nn.Module, batch: DraftBatch, *, contrast: bool) -> tuple[torch.Tensor, torch.Tensor | None]:
    b, t, _ = batch.inputs_BTF.shape
    device = batch.inputs_BTF.device
    visible = torch.ones(t, t, dtype=torch.bool, device=device).tril().expand(b, t, t)
    positions = torch.arange(t, device=device).expand(b, t)
    predicted: tuple[torch.Tensor, torch.Tensor | None] = network(
        batch.embeds_BTH, batch.inputs_BTF, positions, visible, contrast=contrast
    )
    return predicted
