"""A draft model as its authors would publish it for the tiny target, of random tensors: EAGLE's layout, unless told."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

HIDDEN, INNER, HEADS, GROUPS, VOCABULARY = 32, 64, 4, 2, 258  # of `tests.tiny`


def published_config(**changes: Any) -> dict[str, Any]:
    """What `config.json` says; a change of None leaves a field out."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "max_position_embeddings": 512,
        "num_attention_heads": HEADS,
        "num_hidden_layers": 1,
        "num_key_value_heads": GROUPS,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
        "rope_theta": 500_000.0,
        "tie_word_embeddings": False,
        "vocab_size": VOCABULARY,
    }
    return {name: value for name, value in (config | changes).items() if value is not None or name not in changes}


def attention_tensors(*, bias: bool = True, qkv_bias: bool = False) -> dict[str, torch.Tensor]:
    """All but the feed-forward."""
    rows = {"q": HIDDEN, "k": HIDDEN * GROUPS // HEADS, "v": HIDDEN * GROUPS // HEADS}
    shapes: dict[str, tuple[int, ...]] = {
        "fc.weight": (HIDDEN, 2 * HIDDEN),
        **({"fc.bias": (HIDDEN,)} if bias else {}),
        **{f"layers.0.self_attn.{name}_proj.weight": (count, HIDDEN) for name, count in rows.items()},
        **({f"layers.0.self_attn.{name}_proj.bias": (count,) for name, count in rows.items()} if qkv_bias else {}),
        "layers.0.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
        "layers.0.post_attention_layernorm.weight": (HIDDEN,),
    }
    return random_tensors(shapes)


def published_tensors(**biases: bool) -> dict[str, torch.Tensor]:
    """A whole draft layer, without the copy of the target's embedding."""
    inner = {"gate": (INNER, HIDDEN), "up": (INNER, HIDDEN), "down": (HIDDEN, INNER)}
    feed_forward = random_tensors({f"layers.0.mlp.{name}_proj.weight": shape for name, shape in inner.items()})
    return attention_tensors(**biases) | feed_forward


EXPERTS = {
    "layers.0.mlp_moe.gate.weight": (4, HIDDEN),
    **{
        f"layers.0.mlp_moe.experts.{expert}.{name}_proj.weight": (HIDDEN, HIDDEN)
        for expert in range(2)
        for name in ("gate", "up", "down")
    },
}


def expert_tensors() -> dict[str, torch.Tensor]:
    """A whole draft layer of Jakiro's."""
    return attention_tensors() | random_tensors(EXPERTS)


def head_tensors(count: int = 5, *, own: bool = True, vocabulary: int = VOCABULARY) -> dict[str, torch.Tensor]:
    """Medusa's heads, `own` with language-model heads of their own."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(count):
        shapes |= {f"{i}.0.linear.weight": (HIDDEN, HIDDEN), f"{i}.0.linear.bias": (HIDDEN,)}
        shapes |= {f"{i}.1.weight": (vocabulary, HIDDEN)} if own else {}
    return random_tensors(shapes)


def random_tensors(shapes: Mapping[str, tuple[int, ...]], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Of these shapes, the same every time."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}


def save_published(
    folder: Path,
    tensors: Mapping[str, torch.Tensor] | None = None,
    config: Mapping[str, Any] | None = None,
    *,
    weights: str = "pytorch_model.bin",
) -> Path:
    """Writes the folder; by default a whole draft layer in a pickle, as the authors' trainers leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    held = dict(published_tensors() if tensors is None else tensors)
    if weights.endswith(".safetensors"):
        save_file(held, folder / weights)
    else:
        torch.save(held, folder / weights)
    (folder / "config.json").write_text(json.dumps(published_config() if config is None else config))
    return folder
