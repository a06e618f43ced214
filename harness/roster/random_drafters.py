"""Every drafter of this repository's loop without its training, beside a model of any shape: what its rounds cost.

Networks have random weights, as many as trained ones would, or those that a training begins with; the n-gram table is
empty, so that its candidates are of the text alone. They are built by hand, for `Contender` needs more than a machine
has on which kernels are tried; nothing is imported here but torch, transformers and what decodes. Left out is the
combination of two of them, whose rounds are the one's or the other's.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead, Head, OwnHead
from offbook.engine.decoding.draft_layer import DraftConfig, SwiGLU
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.verify import VerifierFor

TREE = TreeConfig()
CHAIN = 10  # candidates of a lookup
AHEAD = 4  # levels of Medusa's trees, and candidates of a language model that drafts
DRAFT_VOCABULARY = 32_000  # tokens at most, as EAGLE-3's
EXPERTS = 2  # as published


class Untrained(NamedTuple):
    """How the drafter of a contender is made without a training.

    Attributes:
        name: the contender's.
        build: makes it beside a model.
        levels: of its trees below the root, at most.
        trained: whether it means nothing without its training; what another accepts beside a real model is its own.
        verifier: makes the rule that decides its rounds; None for the exact one.
    """

    name: str
    build: Callable[[Backbone], Drafter]
    levels: int = TREE.depth + 1
    trained: bool = True
    verifier: Callable[[], VerifierFor] | None = None


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


def _eagle(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.eagle import PUBLISHED
    from offbook.engine.decoding.static_draft import StaticDrafter

    config = _config(backbone)
    network, head = _network(backbone, lambda: DraftNetwork(config, SwiGLU(config), "mlp"))
    return StaticDrafter(backbone, network, head, shape=PUBLISHED)


def _medusa(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
    from offbook.baselines.decoding.medusa.network import MedusaHeads

    network, head = _network(backbone, lambda: MedusaHeads(_config(backbone), heads=AHEAD))
    return MedusaDrafter(backbone, network, head, accuracy_IR=None, nodes=TREE.total_tokens - 1)


def _typical() -> VerifierFor:
    from offbook.baselines.decoding.medusa_typical import TypicalAcceptance

    return TypicalAcceptance()


def _prompt_lookup(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.prompt_lookup import PromptLookup

    return PromptLookup(num_tokens=CHAIN)


def _suffix(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.suffix import Suffix

    return Suffix()


def _token_recycling(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.token_recycling import TokenRecycling

    return TokenRecycling()


def _speculative_sampling(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
    from offbook.engine.decoding.early_exit import first_layers

    half = first_layers(backbone, max(1, int(backbone.config.num_hidden_layers) // 2))
    return LanguageModelDrafter(Backbone(half), gamma=AHEAD, vocab_size=backbone.embedding_VH.shape[0])


def _ngram_table(backbone: Backbone) -> Drafter:
    from offbook.baselines.decoding.ngram_table import ARCHITECTURE, NgramTable, Table
    from offbook.engine.drafters.ngrams import NgramCounts

    lengths, none_G = range(1, 1 + ARCHITECTURE.order), torch.zeros(0, dtype=torch.int32)
    return NgramTable(Table([NgramCounts(ngrams_GN=none_G.reshape(0, n), counts_G=none_G) for n in lengths]))


def _around(backbone: Backbone, build: Callable[[], Any], **more: Any) -> FeatureDrafter:
    """A drafter around a network, under the dynamic tree."""
    network, head = _network(backbone, build)
    return FeatureDrafter(backbone, network, head, **{"tree": TREE, "contrast": False, **more})


def _network(backbone: Backbone, build: Callable[[], Any]) -> tuple[Any, Head]:
    """A network of the target's number format and where the target is, and the head that reads it."""
    weight = backbone.embedding_VH
    with torch.random.fork_rng(), torch.device(weight.device):
        torch.manual_seed(1)
        network = build().to(weight.dtype).requires_grad_(requires_grad=False)
    ids = _vocabulary(backbone)
    return network, OwnHead(network.logits, ids) if hasattr(network, "lm_head") else DraftHead(backbone.head_VH, ids)


def _vocabulary(backbone: Backbone) -> torch.Tensor:
    weight = backbone.embedding_VH
    return torch.arange(min(DRAFT_VOCABULARY, weight.shape[0]), device=weight.device)


UNTRAINED: Mapping[str, Untrained] = {
    "eagle2": Untrained(name="eagle2", build=_eagle2),
    "eagle3": Untrained(name="eagle3", build=_eagle3),
    "jakiro": Untrained(name="jakiro", build=_jakiro),
    "jakiro_decoupled": Untrained(name="jakiro_decoupled", build=_jakiro_decoupled),
    "eagle": Untrained(name="eagle", build=_eagle, levels=5),
    "medusa": Untrained(name="medusa", build=_medusa, levels=AHEAD),
    "medusa_typical": Untrained(name="medusa_typical", build=_medusa, levels=AHEAD, verifier=_typical),
    "speculative_sampling": Untrained(
        name="speculative_sampling", build=_speculative_sampling, levels=AHEAD, trained=False
    ),
    "prompt_lookup": Untrained(name="prompt_lookup", build=_prompt_lookup, levels=CHAIN, trained=False),
    "suffix": Untrained(name="suffix", build=_suffix, levels=7, trained=False),
    "token_recycling": Untrained(name="token_recycling", build=_token_recycling, levels=5, trained=False),
    "ngram_table": Untrained(name="ngram_table", build=_ngram_table, levels=15),
}
