"""Jakiro with decoupled experts (Jakiro*, arXiv:2502.06282) as a drafter: its static tree, and what it is trained on.

Each expert is trained alone on the same next feature and token, all with the same weight; so the released script that
splits the heads does it. (The other one trains one gate-weighted sum of the experts, no part of which means anything
alone, and decodes with the parts.)

    L = sum_k (Lreg_k + 0.1 Lcls_k) + 0.1 Lmix        Lmix = - sum_v p(v) log sum_k w_k q_k(v)

Ours: Lmix, the cross-entropy of the mixture that candidates are made of. Nothing but the gate learns from it, for it
takes the experts as they are; w_k then says how far each may be trusted at this row.

How candidates are made of the experts is a setting of decoding (`schemes`), and needs no other training.
"""

from collections.abc import Mapping
from functools import partial

import torch
from pydantic import JsonValue
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftBatch, LearnedRows
from offbook.engine.drafters.feature_objective import one_pass
from offbook.engine.drafters.flops import FIRST, FORWARD, FROZEN, TRAINED, attention, through
from offbook.engine.drafters.loss import branch_loss, target_law
from offbook.methods.jakiro.decoupled_experts import DecoupledExperts, DecoupledNetwork, parted
from offbook.methods.jakiro.losses import CLASSIFICATION
from offbook.methods.jakiro.schemes import ExpertsApart

# The released code: EAGLE's 25 nodes in levels of 4, 8, 8, 3 and 2, and one node below them.
PUBLISHED = RankTree(
    tuple(
        tuple(map(int, path))
        for path in (
            *("0", "1", "2", "3"),
            *("00", "01", "02", "10", "11", "20", "21", "30"),
            *("000", "001", "002", "010", "011", "020", "021", "100"),
            *("0000", "0001", "0002"),
            *("00000", "00001"),
            "000000",
        )
    )
)


def objective(network: nn.Module, batch: DraftBatch, head: DraftHead) -> torch.Tensor:
    """See the module; means over the rows whose next position counts."""
    counts_BT = batch.following_BT
    features_REH, log_weights_RE = parted(one_pass(network, batch)[counts_BT])
    wanted_RH = batch.features_BSH[:, 1:][counts_BT]
    alone = [branch_loss(features_RH, wanted_RH, head.weight_DH) for features_RH in features_REH.unbind(dim=1)]
    with torch.no_grad():
        log_q_RED = functional.linear(features_REH, head.weight_DH).float().log_softmax(dim=-1)
    mixture_RD = (log_q_RED + log_weights_RE[..., None]).logsumexp(dim=1)
    mixed = _cross_entropy(mixture_RD, target_law(wanted_RH, head.weight_DH))
    return sum((one.regression + CLASSIFICATION * one.classification for one in alone), CLASSIFICATION * mixed)


def _cross_entropy(mixture_RD: torch.Tensor, target_RD: torch.Tensor) -> torch.Tensor:
    """- sum_v p(v) log q(v), the mean over rows; zero where there are none, and so is its gradient."""
    if mixture_RD.shape[0] == 0:
        return mixture_RD.sum().float()
    return -(target_RD * mixture_RD.float().log_softmax(dim=-1)).sum(dim=-1).mean()


def flops(network: nn.Module, learned: LearnedRows, head: DraftHead) -> int:
    """See `engine.drafters.flops`; nothing asks for what the gate reads, and heads are read for the mixture again."""
    assert isinstance(network, DecoupledNetwork)
    rows, experts = learned.rows, network.layers[0].mlp_moe
    assert isinstance(experts, DecoupledExperts)
    linear = [module for module in network.layers.modules() if isinstance(module, nn.Linear)]
    trained = sum(through(one.weight, rows, TRAINED) for one in linear if one is not experts.gate)
    first = sum(through(one.weight, rows, FIRST) for one in (network.fc, experts.gate))
    heads = len(experts.experts) * (FROZEN + 2 * FORWARD) + FORWARD
    return trained + first + attention(network.config, rows, rows) + through(head.weight_DH, learned.later(0), heads)


def guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    """See `DraftArchitecture`; those of the mixture."""
    predicted_BTEP = one_pass(network, batch)
    found = ExpertsApart(head, scheme="mixture").likeliest(predicted_BTEP.flatten(0, 1), k)
    return found.tokens_RK.view(*predicted_BTEP.shape[:2], k)


def architecture(*, experts: int = 2, variant: Mapping[str, JsonValue] | None = None) -> DraftArchitecture:
    """The network of so many experts (2 as published), and its objective; `variant` names what is not the default."""
    return DraftArchitecture(
        name="jakiro_decoupled",
        build=partial(DecoupledNetwork, count=experts),
        objective=objective,
        guesses=guesses,
        flops=flops,
        schedule="linear",
        weight_decay=1e-3,
        variant=variant or {},
    )


ARCHITECTURE = architecture()
