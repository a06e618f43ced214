"""A tiny random model of every causal-LM class that transformers knows: a recipe of sizes, and what some need beside.

Windows and chunks are 8 tokens long, so that a prompt of twenty reaches beyond them; the weights are loud, so that
greedy decoding has something to choose.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CLASSES

VOCABULARY = 64
WINDOW = 8
LARGEST = 3_000_000
LAYERS = 4
# Every field of a configuration that says how large something is; a class takes those that it has.
SIZES: dict[str, Any] = {
    **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input", "n_vocab"), VOCABULARY),
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "embedding_size", "word_embed_proj_dim", "lru_width"), 32),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "decoder_layers", "encoder_layers"), LAYERS),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("decoder_attention_heads", "encoder_attention_heads"), 4),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 128),
    **dict.fromkeys(("intermediate_size", "intermediate_size_mlp", "dff", "ffn_dim", "ffn_hidden_size", "n_inner"), 48),
    **dict.fromkeys(("decoder_ffn_dim", "encoder_ffn_dim", "dense_intermediate_size", "router_hidden_size"), 48),
    **dict.fromkeys(("moe_intermediate_size", "expert_ffn_hidden_size", "shared_expert_intermediate_size"), 16),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k"), 2),
    **dict.fromkeys(("n_group", "topk_group", "n_shared_experts", "zero_expert_num"), 1),
    **dict.fromkeys(("sliding_window", "attention_chunk_size", "keep_window_size", "attention_window_size"), WINDOW),
    **dict.fromkeys(("local_attention", "index_topk", "window_size"), WINDOW),
    **dict.fromkeys(("head_dim", "global_head_dim", "kv_channels", "query_pre_attn_scalar"), 8),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank", "o_lora_rank"), 16),
    **dict.fromkeys(("qk_nope_head_dim", "v_head_dim", "index_head_dim", "hidden_size_per_layer_input"), 8),
    "num_key_value_heads": 2,
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_ssm": 64,
    "tie_word_embeddings": False,
    "num_global_key_value_heads": 2,
    "qk_rope_head_dim": 4,
    "qk_head_dim": 12,
    "rotary_dim": 4,
    "index_n_heads": 2,
    "index_block_size": 4,
    "index_topk_blocks": 2,
    "num_layers": 2,
    "num_kv_shared_layers": 0,
    "pronunciation_embed_dim": 8,
    "pronunciation_vocab_size": 16,
    "shape_embed_dim": 8,
    "shape_vocab_size": 16,
    "is_decoder": True,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
# What a class needs beside these; a value of None leaves the class's own.
CHANGES: dict[str, dict[str, Any]] = {
    "cohere_compass_text": {
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
            "full_attention": None,
        }
    },
    "dbrx": {
        "attn_config": {"rope_theta": 10000.0, "kv_n_heads": 2, "clip_qkv": 8.0},
        "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2},
        "tie_word_embeddings": None,
    },
    "dory": {
        "n_input_layers": 1,
        "n_recurrent_layers": 1,
        "n_output_layers": 1,
        "num_hidden_layers": 3,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    },
    "dots3_note_text": {"layer_types": ["indexed_attention"] * LAYERS},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gpt_bigcode": {"multi_query": False},
    "granitemoehybrid": {"layer_types": ["attention"] * LAYERS},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2},
    "mamba2": {"num_heads": 8},
    "lfm2": {"layer_types": ["conv", "full_attention"] * 2},
    **dict.fromkeys(
        ("qwen4_exp", "qwen4_exp_text"),
        {"indexer_n_heads": 2, "indexer_kv_heads": 1, "indexer_head_dim": 8}
        | {"indexer_budget": 8, "indexer_compress_ratio": 2},
    ),
    "recurrent_gemma": {"layer_types": None, "num_hidden_layers": 3},
    "reformer": {"axial_pos_shape": (8, 16), "axial_pos_embds_dim": (16, 16)},
    "xmod": {"languages": ("en_XX",), "default_language": "en_XX"},
    "zamba2": {"layer_types": None, "num_hidden_layers": None},
    "zaya": {"num_experts_per_tok": 1},
}


def names() -> list[str]:
    """Model types, each with a class of its own name or one shared."""
    return sorted(CLASSES)


def class_name(model_type: str) -> str:
    """The causal-LM class of a model type."""
    return CLASSES[model_type]


def takes_attention_functions(model_type: str) -> bool:
    """Whether the class says so itself."""
    return bool(getattr(transformers, CLASSES[model_type])._supports_attention_backend)


def tiny(model_type: str) -> PreTrainedModel:
    """A random fp32 model of the class that transformers names for this type; raises whatever the library does."""
    parameters = sum(p.numel() for p in skeleton(model_type).parameters())
    if parameters > LARGEST:
        msg = f"the recipe makes {parameters:,} parameters of it"
        raise ValueError(msg)
    with _quiet():
        torch.manual_seed(0)
        model = _build(model_type)
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.4)
            elif "bias" in name or "sink" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def skeleton(model_type: str) -> PreTrainedModel:
    """The same without numbers, on the meta device."""
    with _quiet(), torch.device("meta"):
        return _build(model_type)


def _build(model_type: str) -> PreTrainedModel:
    model_class = getattr(transformers, CLASSES[model_type])
    config_class = CONFIG_MAPPING[model_type]
    try:
        default = config_class().get_text_config()
    except ValueError:  # of several texts (musicgen), the decoder's
        config_class = model_class.config_class
        default = config_class()
    text_class = type(default)
    sizes = _sizes(text_class, default) | CHANGES.get(model_type, {})
    sizes = {name: value for name, value in sizes.items() if value is not None}
    config = config_class(**sizes) if text_class is config_class else config_class(text_config=text_class(**sizes))
    if model_class.config_class is text_class:
        config = config.get_text_config()
    model: PreTrainedModel = model_class(config)
    return model


def _sizes(text_class: Any, default: Any) -> dict[str, Any]:
    """The recipe's fields that the class has."""
    written = default.to_dict()
    fields = {*getattr(text_class, "__dataclass_fields__", {}), *written, *text_class.attribute_map}
    sizes = {name: value for name, value in SIZES.items() if name in fields}
    for name, aliased in text_class.attribute_map.items():  # one of the two names is enough
        if name in sizes and aliased in sizes:
            del sizes[name]
    if "kv_lora_rank" in sizes and "num_key_value_heads" in sizes:
        sizes["num_key_value_heads"] = sizes["num_attention_heads"]  # every head has keys of its own, made from one
    if "qk_rope_head_dim" in sizes and "head_dim" in sizes:
        sizes["head_dim"] = sizes["qk_rope_head_dim"]  # of these, rotary angles read it
    kinds = list(dict.fromkeys(written.get("layer_types") or ()))
    if kinds:
        sizes["layer_types"] = [kinds[i % len(kinds)] for i in range(LAYERS)]
        if kinds[-1] != "full_attention" and "full_attention" in kinds:
            sizes["layer_types"].reverse()  # several classes insist on a last layer that sees everything
    return sizes


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside, transformers keeps its remarks about odd configurations to itself."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
