"""EAGLE-3 (github.com/SafeAILab/EAGLE), and the same network as vllm-project/speculators writes it (`layers.0.`).

    fc.weight                                       (H, n Ht)      of the states of n layers, the lowest first; no bias
    midlayer.{input_layernorm,hidden_norm}.weight   (H)            of the embedding, of the fused states
    midlayer.self_attn.{q,k,v,o}_proj.weight        q, k, v (., 2H)
    midlayer.post_attention_layernorm.weight        (H)
    midlayer.mlp.{gate,up,down}_proj.weight
    norm.weight                                     (H)            before the head alone
    lm_head.weight                                  (Vd, H)        its own
    d2t                                             (Vd)           target id = j + d2t[j]; none where Vd = V
    t2d                                             (V)            whether an id is among them
    embed_tokens.weight                             (V, H)         the target's own, where it is there

The layers are hidden states as transformers counts them, 0 the embedding's: 2, L // 2 and L - 3 of L layers unless the
config names others. vLLM reads such numbers on top of the config, SGLang one less inside of `eagle_config`.
With `norm_before_residual` in its config the layer adds to the normed feature, else to the feature.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.published.config import Fields, draft_layer
from offbook.engine.drafters.published.files import CONFIG, REMEDY, PublishedDraft
from offbook.engine.drafters.published.reading import Reading, Shapes, TargetShape, accounted, embedding_of
from offbook.engine.quoting import quoted

EAGLE3 = "EAGLE-3"
OTHER_SPELLING, LAYER = "layers.0.", "midlayer."
IDS = "eagle_aux_hidden_state_layer_ids"
NORMED = "norm_before_residual"
# Further switches of later trainers, each of which is another network.
SWITCHES = ("norm_before_fc", "fc_norm", "norm_output")


def read_eagle3(draft: PublishedDraft, target: TargetShape) -> Reading:
    """Reads EAGLE-3; tensors keep the names above, with `midlayer.`.

    Raises:
        ValueError: the config, the keys or the target do not fit.
    """
    top = Fields(draft.config, str(draft.folder / CONFIG))
    nested = "transformer_layer_config"
    fields = top.part(nested) if nested in draft.config else top
    for name in SWITCHES:
        if top.flag(name, False):
            msg = f"{top.where}: expected {name} false, got true; offbook has no network with that"
            raise ValueError(msg)
    layer = draft_layer(fields, own_head_dim=True)
    layer = replace(layer, bias=False, norm_before_residual=top.flag(NORMED, False))
    vocab_size = fields.whole("vocab_size")
    target.check(top.whole("target_hidden_size", layer.hidden_size), vocab_size, draft.place)
    if layer.hidden_size != target.layer.hidden_size:
        msg = (
            f"{top.where}: expected the target's width {target.layer.hidden_size}, got a draft layer of width "
            f"{layer.hidden_size} with an embedding of its own; offbook's drafters read the target's embedding"
        )
        raise ValueError(msg)
    taps = _taps(draft.config, target.num_layers, top.where)
    rows = top.whole("draft_vocab_size", vocab_size)
    named = {_canonical(key): tensor for key, tensor in draft.tensors.items()}
    if len(named) < len(draft.tensors):
        msg = f"{draft.place}: expected {LAYER} or {OTHER_SPELLING} as the name of the layer, got both; {REMEDY}"
        raise ValueError(msg)
    ids, vocabulary = _draft_vocabulary(named, rows, vocab_size, draft.place)
    rest = {key: tensor for key, tensor in named.items() if key not in vocabulary}
    tensors, ignored = accounted(rest, _shapes(layer, rows, len(taps)), draft.place, format_name=EAGLE3)
    return Reading(
        layer=layer,
        tensors=tensors,
        token_ids=ids,
        taps=taps,
        embedding_VH=embedding_of(draft.tensors, (vocab_size, layer.hidden_size), draft.place),
        ignored=ignored,
    )


def _canonical(key: str) -> str:
    return LAYER + key.removeprefix(OTHER_SPELLING) if key.startswith(OTHER_SPELLING) else key


def _shapes(layer: DraftConfig, rows: int, taps: int) -> Shapes:
    hidden, inner, d = layer.hidden_size, layer.intermediate_size, layer.head_dim
    queries, keys = layer.num_attention_heads * d, layer.num_key_value_heads * d
    inside: Shapes = {
        "input_layernorm": (hidden,),
        "hidden_norm": (hidden,),
        "self_attn.q_proj": (queries, 2 * hidden),
        "self_attn.k_proj": (keys, 2 * hidden),
        "self_attn.v_proj": (keys, 2 * hidden),
        "self_attn.o_proj": (hidden, queries),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    return {
        "fc.weight": (hidden, taps * hidden),
        **{f"{LAYER}{name}.weight": shape for name, shape in inside.items()},
        "norm.weight": (hidden,),
        "lm_head.weight": (rows, hidden),
    }


def _taps(config: Mapping[str, Any], layers: int, where: str) -> tuple[int, ...]:
    """The hidden states that it reads."""
    inner = config.get("eagle_config")
    told: Any = config.get(IDS)
    if told is None and isinstance(inner, Mapping) and isinstance(inner.get(IDS), list):
        told = [index + 1 if type(index) is int else index for index in inner[IDS]]
    ids = [2, layers // 2, layers - 3] if told is None else told
    if not isinstance(ids, list) or not ids or any(type(i) is not int or not 0 <= i < layers for i in ids):
        msg = f"{where}: expected hidden states below the target's {layers} layers, got {quoted(ids)}; {REMEDY}"
        raise ValueError(msg)
    return tuple(ids)


def _draft_vocabulary(
    tensors: Mapping[str, torch.Tensor], rows: int, vocab_size: int, where: str
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """The target's ids, ascending, and the keys that told them.

    Raises:
        ValueError: ids that are none, or that its two tables do not agree on.
    """
    offsets, kept = tensors.get("d2t"), tensors.get("t2d")
    if offsets is None and rows != vocab_size:
        msg = f"{where}: expected d2t, the ids of a draft vocabulary of {rows}, found none; {REMEDY}"
        raise ValueError(msg)
    if offsets is not None and (offsets.dtype != torch.int64 or tuple(offsets.shape) != (rows,)):
        found = f"{tuple(offsets.shape)} of {str(offsets.dtype).removeprefix('torch.')}"
        msg = f"{where}: expected d2t to be {rows} whole numbers, got {found}; {REMEDY}"
        raise ValueError(msg)
    ids = torch.arange(rows) if offsets is None else torch.arange(rows) + offsets
    if bool((ids.diff() <= 0).any()) or not 0 <= int(ids[0]) <= int(ids[-1]) < vocab_size:
        msg = f"{where}: expected j + d2t[j] to be ascending ids below {vocab_size}, got others; {REMEDY}"
        raise ValueError(msg)
    if kept is not None:
        marked = torch.zeros(vocab_size, dtype=torch.bool)
        marked[ids] = True
        if kept.dtype != torch.bool or not torch.equal(kept, marked):
            msg = f"{where}: expected t2d to mark the ids that d2t names, got others; {REMEDY}"
            raise ValueError(msg)
    return ids, tuple(name for name in ("d2t", "t2d") if name in tensors)
