"""EAGLE-3's drafter around small networks: random ones, and one that is often right, or always on a simple target."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from offbook.baselines.decoding.eagle3.drafter import ARCHITECTURE
from offbook.baselines.decoding.eagle3.network import Eagle3Network
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import OwnHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.drafters.checkpoint import draft_config
from tests.engine.targets import VOCABULARY

TAPS = (1, 0, 1)  # in no order, so that it matters


def sizes(backbone: Backbone, rows: int, taps: Sequence[int] = TAPS, *, echo: bool = False) -> DraftConfig:
    """Of a network with so many rows of a head; where `echo`, with the one wide head that `add_echo` needs."""
    config = replace(draft_config(backbone), taps=tuple(taps), draft_vocab_size=rows)
    wide = 2 * config.hidden_size
    return replace(config, num_attention_heads=1, num_key_value_heads=1, head_dim=wide) if echo else config


def network(
    backbone: Backbone, ids: torch.Tensor, *, taps: Sequence[int] = TAPS, echo: float | None = None, seed: int = 0
) -> Eagle3Network:
    """A random network, or one that echoes through noise as loud as `echo`."""
    torch.manual_seed(seed)
    built = ARCHITECTURE.build(sizes(backbone, len(ids), taps, echo=echo is not None))
    assert isinstance(built, Eagle3Network)
    built.to(backbone.embedding_VH.dtype).requires_grad_(requires_grad=False)
    for parameter in built.parameters():
        parameter.copy_(torch.randn_like(parameter) * (0.3 if echo is None else echo))
    if echo is not None:
        add_echo(built, backbone, ids)
    return built


@torch.no_grad()
def add_echo(built: Eagle3Network, backbone: Backbone, ids: torch.Tensor) -> None:
    """Makes o the token's own embedding, at root mean square 1: right where the next token hangs on the last alone.

    g is the first tap at root mean square 1, or o. Queries and keys are the token's embedding, and so loud that a row
    sees itself alone; values are that embedding less g, which takes the place of the residual.
    """
    hidden, layer = built.config.hidden_size, built.midlayer
    eye = torch.eye(hidden, dtype=backbone.embedding_VH.dtype)
    tokens = torch.arange(backbone.embedding_VH.shape[0])[None]
    state = backbone.forward(tokens, backbone.new_cache(tokens.shape[1])).states[built.config.taps[0]]
    built.fc.weight[:, :hidden] += eye / state.square().mean(dim=-1).sqrt().mean()
    for norm in (layer.input_layernorm, layer.hidden_norm, built.norm):
        norm.weight.fill_(1.0)
    for projection in (layer.self_attn.q_proj, layer.self_attn.k_proj):
        projection.weight[:hidden, :hidden] += 10.0 * eye
    layer.self_attn.v_proj.weight[:hidden] += torch.cat([eye, -eye], dim=1)
    layer.self_attn.o_proj.weight[:, :hidden] += eye
    built.lm_head.weight += backbone.head_VH[ids]


def drafter(
    backbone: Backbone,
    tree: TreeConfig,
    *,
    taps: Sequence[int] = TAPS,
    echo: bool = False,
    vocabulary: int = VOCABULARY,
    seed: int = 0,
) -> FeatureDrafter:
    """Around `network`, drafting from `vocabulary` random tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randperm(backbone.embedding_VH.shape[0], generator=generator)[:vocabulary].sort().values
    net = network(backbone, ids, taps=taps, echo=0.01 if echo else None, seed=seed)
    return FeatureDrafter(backbone, net, OwnHead(net.logits, ids), tree=tree, contrast=False)
