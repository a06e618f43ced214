"""Jakiro's decoupled experts around small networks: random ones, and one of which an expert is often right."""

from functools import partial

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.static_draft import RankTree, StaticDrafter
from offbook.engine.drafters.checkpoint import draft_config
from offbook.methods.jakiro.decoupled_experts import DecoupledNetwork
from offbook.methods.jakiro.schemes import ExpertsApart, Scheme
from tests.engine.targets import VOCABULARY


def network(backbone: Backbone, *, experts: int = 2, echo: bool = False, seed: int = 0) -> DecoupledNetwork:
    """Random experts that differ loudly; where `echo` the first is nearly silent, so that its feature is the token's.

    The others then blur that feature. Weights of experts differ from row to row.
    """
    torch.manual_seed(seed)
    net = DecoupledNetwork(draft_config(backbone), count=experts).to(backbone.embedding_VH.dtype)
    for name, parameter in net.requires_grad_(requires_grad=False).named_parameters():
        scale = 0.01 if echo else 0.1
        if "experts" in name:
            scale = 0.3 if not echo else 0.02 if "experts.0" in name else 0.1
        if "gate" in name:
            scale = 0.3
        parameter.copy_(torch.randn_like(parameter) * scale)
        if "layernorm" in name:
            parameter.fill_(1.0)
    if echo:
        net.fc.weight[:, : net.config.hidden_size] += torch.eye(net.config.hidden_size)
    return net


def drafter(
    backbone: Backbone,
    tree: RankTree | TreeConfig,
    *,
    scheme: Scheme = "mixture",
    experts: int = 2,
    echo: bool = False,
    vocabulary: int = VOCABULARY,
    seed: int = 0,
) -> FeatureDrafter:
    """Around `network`, drafting from `vocabulary` random tokens, under a static tree or a dynamic one."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randperm(backbone.embedding_VH.shape[0], generator=generator)[:vocabulary].sort().values
    net = network(backbone, experts=experts, echo=echo, seed=seed)
    head, readout = DraftHead(backbone.head_VH, ids), partial(ExpertsApart, scheme=scheme)
    if isinstance(tree, RankTree):
        return StaticDrafter(backbone, net, head, shape=tree, readout=readout)
    return FeatureDrafter(backbone, net, head, tree=tree, contrast=False, readout=readout)
