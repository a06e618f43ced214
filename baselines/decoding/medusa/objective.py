"""What Medusa's heads learn (arXiv:2401.10774), and how often each of their guesses is right.

    loss:  sum over heads of 0.8^i CE(q_i, t_{j+2+i})      (section 2.2.1)

Shapes: B sequences, T rows, H hidden, Vd draft vocabulary, I heads, R ranks.
"""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from offbook.baselines.decoding.medusa.network import RANKS, MedusaHeads
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.batch import DraftBatch, LearnedRows
from offbook.engine.drafters.flops import FIRST, FROZEN, TRAINED, through
from offbook.kernels.vocab_loss import vocab_loss

DECAY = 0.8


def objective(network: nn.Module, batch: DraftBatch, head: DraftHead) -> torch.Tensor:
    """See the module; over rows whose label is an answer token of the draft vocabulary."""
    assert isinstance(network, MedusaHeads)
    losses = batch.features_BSH.new_zeros(())
    for i, (states_RH, labels) in enumerate(_labelled(network, batch)):
        weights_R = torch.full((len(labels),), DECAY**i / max(1, len(labels)), device=labels.device)
        places_R = torch.searchsorted(head.token_ids, labels)
        weight_DH = network.heads[i] if len(network.heads) else head.weight_DH
        losses = losses + vocab_loss(states_RH, weight_DH, places_R, weights_R, compact=False).loss
    return losses


def ranks(network: nn.Module, batch: DraftBatch, head: DraftHead) -> tuple[torch.Tensor, torch.Tensor]:
    """How often the r-th guess of each head was right (I, R), of how many positions (I,)."""
    labelled = [*_labelled(network, batch)]
    hits, counts = torch.zeros(len(labelled), RANKS, dtype=torch.long), torch.zeros(len(labelled), dtype=torch.long)
    for i, (states_RH, labels) in enumerate(labelled):
        counts[i] = states_RH.shape[0]
        if states_RH.shape[0]:
            _, guesses_RK = _head_of(network, i, head).top(states_RH, min(RANKS, head.token_ids.shape[0]))
            hits[i, : guesses_RK.shape[1]] = (guesses_RK == labels[:, None]).sum(dim=0).cpu()
    return hits, counts


def _labelled(network: nn.Module, batch: DraftBatch) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Of each head, its states (R, H) at rows whose token t_{j+2+i} counts, and these tokens (R,)."""
    states_IBSH = network(batch.features_BSH.flatten(0, 1)).unflatten(1, batch.features_BSH.shape[:2])
    for i, states_BSH in enumerate(states_IBSH):
        counts_BT = batch.following_BT[:, i:]  # row j of it is about t_{j+2+i}
        rows = counts_BT.shape[1]
        tokens_BT = functional.pad(batch.tokens_BS[:, 2 + i :], (0, 1))[:, :rows]
        yield states_BSH[:, :rows][counts_BT], tokens_BT[counts_BT]


def _head_of(network: nn.Module, i: int, head: DraftHead) -> DraftHead:
    """What reads the states of head i: a language-model head of its own, or the target's."""
    assert isinstance(network, MedusaHeads)
    return DraftHead(network.heads[i], head.token_ids) if len(network.heads) else head


def guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    """See `DraftArchitecture.guesses`: those of the first head."""
    features = batch.features_BSH[:, :-1]
    _, ids = _head_of(network, 0, head).top(network(features.flatten(0, 1))[0], k)
    return ids.view(*features.shape[:2], k)


def flops(network: nn.Module, learned: LearnedRows, head: DraftHead) -> int:
    """See `engine.drafters.flops`: every state of a sequence through every block, through the head those that count."""
    assert isinstance(network, MedusaHeads)
    blocks = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    found = sum(through(weight, 1 + learned.rows, FIRST) for weight in blocks)
    products = TRAINED if len(network.heads) else FROZEN
    return found + sum(through(head.weight_DH, learned.later(i), products) for i in range(len(blocks)))
