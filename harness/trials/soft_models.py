"""Models of published shapes with random weights, whose layers speak so softly that every token is followed by itself.

What such a model says is known beforehand and hangs on no rounding, in bfloat16 neither, so that rounds may accept
what is wished of them (`replayed_rounds`); what it costs is what a model of that shape costs. Nothing else may be read
off it. Imports torch and transformers alone, for machines that have no more.
"""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, Qwen2Config

SOFTLY = 1e-3  # times what layers usually add to the residual stream
# The config.json of HuggingFaceTB/SmolLM2-135M, Qwen/Qwen2.5-1.5B and meta-llama/Llama-3.1-8B.
SHAPES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "SmolLM2-135M": (
        LlamaConfig,
        {
            "vocab_size": 49152,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "max_position_embeddings": 8192,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e5},
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": True,
        },
    ),
    "Qwen2.5-1.5B": (
        Qwen2Config,
        {
            "vocab_size": 151936,
            "hidden_size": 1536,
            "intermediate_size": 8960,
            "num_hidden_layers": 28,
            "num_attention_heads": 12,
            "num_key_value_heads": 2,
            "max_position_embeddings": 131072,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": True,
        },
    ),
    "Llama-3.1-8B": (
        LlamaConfig,
        {
            "vocab_size": 128256,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131072,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 5e5,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
            },
            "rms_norm_eps": 1e-5,
            "tie_word_embeddings": False,
        },
    ),
}


def soft_model(shape: str, *, dtype: torch.dtype, device: str) -> PreTrainedModel:
    """One of `SHAPES`; the same weights every time on one kind of device.

    Raises:
        KeyError: another shape.
    """
    return softly(_new(shape, dtype, device))


@torch.no_grad()
def softly(model: PreTrainedModel) -> PreTrainedModel:
    """The model, changed in place: what its layers add is nearly nothing, and its head is its embedding."""
    for name, weight in model.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.mul_(SOFTLY)
    sides: tuple[Any, Any] = (model.get_output_embeddings(), model.get_input_embeddings())
    head, embedding = (side.weight for side in sides)
    if head is not embedding:
        head.copy_(embedding)
    model.eval().requires_grad_(requires_grad=False)
    return model


def bytes_of_a_step(shape: str) -> int:
    """Of the weights that a step multiplies by, in 16 bits, the head's included.

    Raises:
        KeyError: another shape.
    """
    return bytes_read(_new(shape, torch.bfloat16, "meta"))


def bytes_read(model: PreTrainedModel) -> int:
    """The same of any model, in its own format."""
    linears = [module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)]
    return sum(weight.numel() * weight.element_size() for weight in linears)


def _new(shape: str, dtype: torch.dtype, device: str) -> PreTrainedModel:
    kind, sizes = SHAPES[shape]
    with torch.random.fork_rng(), torch.device(device):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(kind(**sizes), dtype=dtype)
    return model
