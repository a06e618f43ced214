"""EAGLE-1, EAGLE-2 and HASS (one layout, github.com/SafeAILab/EAGLE), and Jakiro (github.com/haiduo/Jakiro).

    fc.{weight,bias}                                  (H, 2H), (H)    fusion, embedding first
    layers.0.self_attn.{q,k,v,o}_proj.weight                          q, k, v with .bias of a Qwen-2
    layers.0.post_attention_layernorm.weight          (H)
    layers.0.mlp.{gate,up,down}_proj.weight                           EAGLE
    layers.0.mlp_moe.gate.weight                      (4, H)          Jakiro: two logits to mix, two to contrast
    layers.0.mlp_moe.experts.{0,1}.{gate,up,down}_proj.weight  (H, H)
    embed_tokens.weight                               (V, H)          the target's own, where it is there

These names are offbook's too. Readers build the bias of `fc` unless the config says `bias: false`, the trainer always
does, and newer readers drop silently what they did not build: here the key decides, and a disagreement is told.

A drafter of offbook's in this layout (`writing.py`) may know a part of the target's vocabulary, whose ids its config
then names as `draft_token_ids`. Other readers know no such field, and draft from the whole.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from offbook.engine.drafters.published.config import Fields, draft_layer
from offbook.engine.drafters.published.files import CONFIG, PublishedDraft
from offbook.engine.drafters.published.reading import Reading, Shapes, TargetShape, accounted, embedding_of

EAGLE, JAKIRO = "EAGLE-1 or EAGLE-2", "Jakiro"
EXPERTS = 2
LAYER = "layers.0"


def read_eagle(draft: PublishedDraft, target: TargetShape) -> Reading:
    """Reads EAGLE-1 or EAGLE-2.

    Raises:
        ValueError: the config, the keys or the target do not fit.
    """
    return _read(draft, target, _swiglu, EAGLE)


def read_jakiro(draft: PublishedDraft, target: TargetShape) -> Reading:
    """Reads Jakiro, the one without a star.

    Raises:
        ValueError: the config, the keys or the target do not fit.
    """
    fields = Fields(draft.config, str(draft.folder / CONFIG))
    for name in ("num_local_experts", "num_experts_per_tok"):
        if (found := fields.whole(name, EXPERTS)) != EXPERTS:
            msg = f"{fields.where}: expected {name} 2, got {found}; offbook's jakiro has two experts, which both run"
            raise ValueError(msg)
    return _read(draft, target, _expert_pair, JAKIRO)


def _read(
    draft: PublishedDraft, target: TargetShape, feed_forward: Callable[[DraftConfig], Shapes], format_name: str
) -> Reading:
    fields = Fields(draft.config, str(draft.folder / CONFIG))
    layer, vocab_size = draft_layer(fields), fields.whole("vocab_size")
    target.check(layer.hidden_size, vocab_size, draft.place)
    biases = {
        "bias": ("fc.bias", fields.flag("bias", True)),
        "qkv_bias": (f"{LAYER}.self_attn.q_proj.bias", fields.flag("qkv_bias", False)),
    }
    held = {name: key in draft.tensors for name, (key, _) in biases.items()}
    notes = [
        f"{draft.place}: its config says {name} {str(said).lower()}, its keys otherwise, and these decide"
        for name, (_, said) in biases.items()
        if said != held[name]
    ]
    layer = replace(layer, bias=held["bias"], qkv_bias=held["qkv_bias"])
    shapes = {**_attention(layer), **feed_forward(layer)}
    tensors, ignored = accounted(draft.tensors, shapes, draft.place, format_name=format_name)
    ids = fields.ids(TOKEN_IDS, vocab_size)
    return Reading(
        layer=layer,
        tensors=tensors,
        token_ids=torch.arange(vocab_size) if ids is None else torch.tensor(ids),
        embedding_VH=embedding_of(draft.tensors, (vocab_size, layer.hidden_size), draft.place),
        ignored=ignored,
        notes=notes,
    )


def _attention(layer: DraftConfig) -> Shapes:
    """Everything but the feed-forward."""
    hidden, d = layer.hidden_size, layer.head_dim
    rows = {"q": layer.num_attention_heads * d, "k": layer.num_key_value_heads * d, "v": layer.num_key_value_heads * d}
    return {
        "fc.weight": (hidden, 2 * hidden),
        **({"fc.bias": (hidden,)} if layer.bias else {}),
        **{f"{LAYER}.self_attn.{name}_proj.weight": (count, hidden) for name, count in rows.items()},
        **({f"{LAYER}.self_attn.{n}_proj.bias": (count,) for n, count in rows.items()} if layer.qkv_bias else {}),
        f"{LAYER}.self_attn.o_proj.weight": (hidden, rows["q"]),
        f"{LAYER}.post_attention_layernorm.weight": (hidden,),
    }


def _swiglu(layer: DraftConfig) -> Shapes:
    hidden, inner = layer.hidden_size, layer.intermediate_size
    return {
        f"{LAYER}.mlp.gate_proj.weight": (inner, hidden),
        f"{LAYER}.mlp.up_proj.weight": (inner, hidden),
        f"{LAYER}.mlp.down_proj.weight": (hidden, inner),
    }


def _expert_pair(layer: DraftConfig) -> Shapes:
    hidden = layer.hidden_size
    return {
        f"{LAYER}.mlp_moe.gate.weight": (2 * EXPERTS, hidden),
        **{
            f"{LAYER}.mlp_moe.experts.{expert}.{name}_proj.weight": (hidden, hidden)
            for expert in range(EXPERTS)
            for name in ("gate", "up", "down")
        },
    }
