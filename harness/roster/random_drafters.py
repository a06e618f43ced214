"""Drafters that need no training, beside a model of any shape: what the rounds of such a decoder cost.

Networks have random weights, as many as trained ones would. They are built by hand, for `Contender` needs more than a
machine has on which kernels are tried; nothing is imported here but torch and what decodes.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead, OwnHead
from offbook.engine.decoding.draft_layer import DraftConfig, SwiGLU
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig

TREE = TreeConfig()
CHAIN = 10  # candidates of a lookup
DRAFT_VOCABULARY = 32_000  # tokens at most, as EAGLE-3's
EXPERTS = 2  # as published


class Untrained(NamedTuple):
    """How the drafter of a contender is made without a training.

    Attributes:
        name: the contender's.
        build: makes it beside a model; a `FeatureDrafter` where it has a network.
        levels: of its trees below the root.
        network: whether it has one, whose weights are random.
    """

    name: str
    build: Callable[[Backbone], Drafter]
    levels: int = TREE.depth + 1
    network: bool = True


def _config(backbone: Backbone, **more: Any) -> DraftConfig:
    sizes = backbone.config
    heads = int(sizes.num_attention_heads)
    return DraftConfig(
        hidden_size=int(sizes.hidden_size),
        intermediate_size=int(sizes.intermediate_size),
        num_attention_heads=heads,
        num_key_value_heads=int(sizes.num_key_value_heads),
        head_dim=int(getattr(sizes, "head_dim", None) or sizes.hidden_size // heads),
        rms_norm_eps=float(sizes.rms_norm_eps),
        rope_theta=float(sizes.rope_parameters["rope_theta"]),
        **more,
    )


def _eagle2(backbone: Backbone) -> FeatureDrafter:
    config = _config(backbone)
    return _around(backbone, lambda: DraftNetwork(config, SwiGLU(config), "mlp"))


def _eagle3(backbone: Backbone) -> FeatureDrafter:
    from offbook.baselines.decoding.eagle3.network import Eagle3Network

    layers = int(backbone.config.num_hidden_layers)
    taps = (min(2, layers // 2), layers // 2, max(layers - 3, layers // 2))  # low, middle and high
    rows = _vocabulary(backbone).shape[0]
    return _around(backbone, lambda: Eagle3Network(_config(backbone, taps=taps, draft_vocab_size=rows)))


def _jakiro(backbone: Backbone) -> FeatureDrafter:
    from offbook.methods.jakiro.experts import Experts

    config = _config(backbone)
    return _around(backbone, lambda: DraftNetwork(config, Experts(config, count=EXPERTS), "mlp_moe"), contrast=True)


def _jakiro_decoupled(backbone: Backbone) -> FeatureDrafter:
    from offbook.methods.jakiro.decoupled_experts import DecoupledNetwork
    from offbook.methods.jakiro.schemes import ExpertsApart

    network = partial(DecoupledNetwork, _config(backbone), count=EXPERTS)
    return _around(backbone, network, readout=partial(ExpertsApart, scheme="turns"))


def _prompt_lookup(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.prompt_lookup import PromptLookup

    return PromptLookup(num_tokens=CHAIN)


def _around(backbone: Backbone, build: Callable[[], Any], **more: Any) -> FeatureDrafter:
    """A drafter around a network, of the target's number format and where the target is."""
    weight = backbone.embedding_VH
    with torch.random.fork_rng(), torch.device(weight.device):
        torch.manual_seed(1)
        network = build().to(weight.dtype).requires_grad_(requires_grad=False)
    ids = _vocabulary(backbone)
    head = OwnHead(network.logits, ids) if hasattr(network, "lm_head") else DraftHead(backbone.head_VH, ids)
    return FeatureDrafter(backbone, network, head, **{"tree": TREE, "contrast": False, **more})


def _vocabulary(backbone: Backbone) -> torch.Tensor:
    weight = backbone.embedding_VH
    return torch.arange(min(DRAFT_VOCABULARY, weight.shape[0]), device=weight.device)


UNTRAINED: Mapping[str, Untrained] = {
    "eagle2": Untrained(name="eagle2", build=_eagle2),
    "eagle3": Untrained(name="eagle3", build=_eagle3),
    "jakiro": Untrained(name="jakiro", build=_jakiro),
    "jakiro_decoupled": Untrained(name="jakiro_decoupled", build=_jakiro_decoupled),
    "prompt_lookup": Untrained(name="prompt_lookup", build=_prompt_lookup, levels=CHAIN, network=False),
}
