"""Llama's shape: which transformers models have it, and their weights by role.

The lean steps (`prepacked`, `packed`) compute RMSNorm, rotary attention over grouped heads and SwiGLU themselves. They
read everything that differs between Llama, Mistral, Qwen2 and Qwen3 here: biases, norms of queries and keys, windows.
Tensors are the model's own, not copies.

Shapes: L layers, H hidden, A query heads, G key/value heads, D head size, I inner, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import (
    LlamaForCausalLM,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2ForCausalLM,
    Qwen3ForCausalLM,
)

from offbook.engine.decoding.rope_border import rope_border

CLASSES = (LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM)  # their forwards, no subclass's
NORMS = ("LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm")


@dataclass(frozen=True, kw_only=True)
class Linear:
    """y = x W^T + b: weight (N, K), bias (N,)."""

    weight_NK: torch.Tensor
    bias_N: torch.Tensor | None


@dataclass(frozen=True, kw_only=True)
class Norm:
    """x / sqrt(mean(x^2) + eps) * weight."""

    weight: torch.Tensor
    eps: float


@dataclass(frozen=True, kw_only=True)
class LlamaLayer:
    """One layer; `window` is how many positions a row sees, itself included, None for all."""

    attention_norm: Norm
    q: Linear
    k: Linear
    v: Linear
    o: Linear
    q_norm: Norm | None
    k_norm: Norm | None
    window: int | None
    mlp_norm: Norm
    gate: Linear
    up: Linear
    down: Linear


@dataclass(frozen=True, kw_only=True)
class LlamaShape:
    """A whole model of that shape."""

    heads: int
    kv_heads: int
    head_dim: int
    scale: float  # on the products of queries and keys
    embedding_VH: torch.Tensor
    layers: tuple[LlamaLayer, ...]
    final_norm: Norm
    head: Linear
    rotary: nn.Module

    def rope(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines (positions, D) of the model's own rotary module; both halves of a row are alike."""
        like = self.embedding_VH.new_empty(1, dtype=torch.float32)
        with torch.inference_mode():
            cos, sin = self.rotary(like, torch.arange(positions, device=like.device)[None])
        return cos[0].contiguous(), sin[0].contiguous()


class RopeTable:
    """Cosines and sines (positions, D) that grow with the texts, ahead of need up to `most` positions."""

    AT_ONCE = 512

    def __init__(self, shape: LlamaShape, *, most: int) -> None:
        self._shape, self._most = shape, most
        self.cos, self.sin = shape.rope(0)

    def reach(self, positions: int) -> bool:
        """Makes the table long enough; whether it was made anew."""
        if positions <= self.cos.shape[0]:
            return False
        ahead = min(self._most, max(2 * self.cos.shape[0], self.AT_ONCE))
        self.cos, self.sin = self._shape.rope(max(positions, ahead))
        return True


def read_shape(model: PreTrainedModel) -> LlamaShape | None:
    """The weights of a model of Llama's shape; None for any other (`difference` says why)."""
    return None if difference(model) is not None else _read(model)


def difference(model: PreTrainedModel) -> str | None:
    """What keeps a model from Llama's shape, in a few words; None where nothing does."""
    config: Any = model.config
    if type(model) not in CLASSES:
        return f"{type(model).__name__} is none of {', '.join(kind.__name__ for kind in CLASSES)}"
    if config.hidden_act not in ("silu", "swish"):
        return f"its activation is {config.hidden_act}, not silu"
    if rope_border(config) is not None:
        return "its rotary factors change with the length of the text"
    decoder: Any = model.model
    for index, layer in enumerate(decoder.layers):
        for name, module in layer.named_modules():
            where = f"layer {index} {name}"
            if isinstance(module, nn.Linear) != name.endswith("_proj") or (
                isinstance(module, nn.Linear) and type(module) is not nn.Linear
            ):
                return f"{where} is a {type(module).__name__}, no plain linear map"
            if name.endswith("norm") and type(module).__name__ not in NORMS:
                return f"{where} is a {type(module).__name__}, no RMSNorm"
    if type(model.get_output_embeddings()) is not nn.Linear or type(model.get_input_embeddings()) is not nn.Embedding:
        return "its embedding or head is not a plain matrix"
    attention = decoder.layers[0].self_attn
    weight = decoder.embed_tokens.weight
    cos, _ = decoder.rotary_emb(weight[:1], torch.zeros(1, 1, dtype=torch.long, device=weight.device))
    if cos.shape[-1] != attention.head_dim:
        return f"rotary factors turn {cos.shape[-1]} of {attention.head_dim} places of a head"
    return None


def _read(model: PreTrainedModel) -> LlamaShape:
    decoder: Any = model.model
    head: Any = model.get_output_embeddings()
    embedding: Any = model.get_input_embeddings()
    attention = decoder.layers[0].self_attn
    head_dim = int(attention.head_dim)
    return LlamaShape(
        heads=attention.q_proj.out_features // head_dim,
        kv_heads=attention.k_proj.out_features // head_dim,
        head_dim=head_dim,
        scale=float(attention.scaling),
        embedding_VH=embedding.weight.detach(),
        layers=tuple(_layer(layer, model.config) for layer in decoder.layers),
        final_norm=_norm(decoder.norm),
        head=_linear(head),
        rotary=decoder.rotary_emb,
    )


def _layer(layer: Any, config: Any) -> LlamaLayer:
    attention, mlp = layer.self_attn, layer.mlp
    window = attention.sliding_window if hasattr(attention, "sliding_window") else None
    if config.model_type == "mistral":  # whose attention reads it from the configuration
        window = config.sliding_window
    return LlamaLayer(
        attention_norm=_norm(layer.input_layernorm),
        q=_linear(attention.q_proj),
        k=_linear(attention.k_proj),
        v=_linear(attention.v_proj),
        o=_linear(attention.o_proj),
        q_norm=_norm(attention.q_norm) if hasattr(attention, "q_norm") else None,
        k_norm=_norm(attention.k_norm) if hasattr(attention, "k_norm") else None,
        window=window,
        mlp_norm=_norm(layer.post_attention_layernorm),
        gate=_linear(mlp.gate_proj),
        up=_linear(mlp.up_proj),
        down=_linear(mlp.down_proj),
    )


def _linear(linear: Any) -> Linear:
    return Linear(weight_NK=linear.weight.detach(), bias_N=None if linear.bias is None else linear.bias.detach())


def _norm(norm: Any) -> Norm:
    return Norm(weight=norm.weight.detach(), eps=float(norm.variance_epsilon))
