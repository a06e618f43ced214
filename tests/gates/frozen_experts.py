"""Jakiro's decoupled experts with weights that never change: the first echoes, the second blurs what it says."""

from collections.abc import Callable

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.static_draft import RankTree
from offbook.methods.jakiro.decoupled import PUBLISHED
from offbook.methods.jakiro.schemes import Scheme
from tests.engine import decoupled_drafters
from tests.gates.frozen_weights import fill


def experts_apart(
    scheme: Scheme = "mixture", tree: RankTree | TreeConfig = PUBLISHED
) -> Callable[[Backbone], FeatureDrafter]:
    """Under the published tree or a dynamic one."""

    def make(backbone: Backbone) -> FeatureDrafter:
        made = decoupled_drafters.drafter(backbone, tree, scheme=scheme)
        net, moe = made.network, made.network.layers[0].mlp_moe
        for module, scale in ((net, 0.01), (moe.experts[1], 0.1), (moe.gate, 0.3)):
            fill(module, scale=scale)
        net.fc.weight[:, : net.config.hidden_size] += torch.eye(net.config.hidden_size)
        return made

    return make
