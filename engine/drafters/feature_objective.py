"""Training of a drafter over the shared draft layer: it predicts the target's next feature (EAGLE, arXiv:2401.15077).

    input    token t_{i+1}, feature f_i + noise
    target   feature f_{i+1}, distribution softmax(W f_{i+1}) over t_{i+2}
    contrast feature f_{i+2}, distribution softmax(W f_{i+2}) over t_{i+3}

Contenders differ in their feed-forward, in whether they predict the contrast, and in how both losses are weighed.

With more than one pass the layer also learns from its own features, as HASS does (arXiv:2408.15766, section 3.2). In
pass j the input of row i is what pass j - 1 predicted for f_i, without its gradient, and row i sees

    column i - d   of pass j - d's input   for d < j - 1
    column i - d   of the target's feature for d >= j - 1

which is what it sees as the j-th token of a chain that was drafted behind row i - j + 1. Losses of all passes are
added. The released trainer of HASS ignores its mask; this one does not.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from pydantic import JsonValue
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftBatch, LearnedRows
from offbook.engine.drafters.flops import FIRST, FORWARD, FROZEN, TRAINED, attention, through
from offbook.engine.drafters.kept_rows import KeptRows
from offbook.engine.drafters.loss import BranchLoss, branch_loss, likeliest_loss

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
    passes: int = 1,
    likeliest: float = 0.0,
    width: int | None = None,
    variant: Mapping[str, JsonValue] | None = None,
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
        passes: of a training step; above 1 on the layer's own features (HASS; 3 there).
        likeliest: weight of HASS's loss over the target's ten likeliest tokens, on the next position (0 or 1 there).
        width: inner width of a feed-forward that has the target's by default.
        variant: what of these is not the contender's default, for the checkpoint.
    """

    def objective(network: nn.Module, batch: DraftBatch, head: DraftHead) -> torch.Tensor:
        first, second = batch.following_BT, batch.later_BT
        target_1 = batch.features_BSH[:, 1:]
        target_2 = functional.pad(batch.features_BSH[:, 2:], (0, 0, 0, 1))
        total = batch.features_BSH.new_zeros(())
        for following, later in _predicted(network, batch, contrast=contrast, passes=passes):
            following_loss = branch_loss(following[first], target_1[first], head.weight_DH)
            later_loss = None if later is None else branch_loss(later[second], target_2[second], head.weight_DH)
            total = total + loss(following_loss, later_loss)
            if likeliest:
                total = total + likeliest * likeliest_loss(following[first], target_1[first], head.weight_DH)
        return total

    return DraftArchitecture(
        name=name,
        build=lambda config: DraftNetwork(config, feed_forward(config), feed_forward_name),
        objective=objective,
        guesses=_guesses,
        schedule=schedule,
        weight_decay=weight_decay,
        contrast=contrast,
        variant=variant or {},
        width=width,
        flops=partial(_flops, contrast=contrast, passes=passes, likeliest=bool(likeliest)),
    )


def one_pass(network: nn.Module, batch: DraftBatch) -> torch.Tensor:
    """What a network predicts for the next position behind every row of a batch, from the target's features."""
    following, _ = next(_predicted(network, batch, contrast=False, passes=1))
    return following


def _guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    following = one_pass(network, batch)
    rows, count, _ = following.shape
    _, ids = head.top(following.flatten(0, 1), k)
    return ids.view(rows, count, k)


def _flops(
    network: nn.Module, learned: LearnedRows, head: DraftHead, *, contrast: bool, passes: int, likeliest: bool
) -> int:
    """See `engine.drafters.flops`; what the fusion reads has no gradient, and each loss asks for the law."""
    assert isinstance(network, DraftNetwork)
    rows, losses = learned.rows, 2 if likeliest else 1
    inner = [module.weight for module in network.layers.modules() if isinstance(module, nn.Linear)]
    a_pass = through(network.fc.weight, rows, FIRST) + sum(through(weight, rows, TRAINED) for weight in inner)
    a_pass += through(head.weight_DH, learned.later(0), losses * (FROZEN + FORWARD))
    if contrast:
        a_pass += through(head.weight_DH, learned.later(1), FROZEN + FORWARD)
    return sum(a_pass + attention(network.config, rows, number * rows) for number in range(1, passes + 1))


def visible_in_pass(number: int, rows: int, device: torch.device | None = None) -> torch.Tensor:
    """Which columns of the passes 1 to `number` each row of that pass sees, (T, number * T)."""
    row, column = torch.arange(rows, device=device)[:, None], torch.arange(rows, device=device)[None]
    own = [column == row - (number - earlier) for earlier in range(2, number + 1)]
    return torch.cat([column <= row - (number - 1), *own], dim=1)


def _predicted(
    network: nn.Module, batch: DraftBatch, *, contrast: bool, passes: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """What each pass predicts for the next position and, with `contrast`, for the one after it, (B, T, H)."""
    b, t, _ = batch.inputs_BTF.shape
    device = batch.inputs_BTF.device
    positions = torch.arange(t, device=device).expand(b, t)
    kept, inputs = {"cache": KeptRows()} if passes > 1 else {}, batch.inputs_BTF
    for number in range(1, passes + 1):
        visible = visible_in_pass(number, t, device).expand(b, t, number * t)
        predicted: tuple[torch.Tensor, torch.Tensor | None] = network(
            batch.embeds_BTH, inputs, positions, visible, contrast=contrast, **kept
        )
        yield predicted
        inputs = torch.cat([batch.inputs_BTF[:, :1], predicted[0][:, :-1].detach()], dim=1)
