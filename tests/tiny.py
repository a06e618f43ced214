"""Tiny random models and a byte-level tokenizer, for every test that needs a target but not a good one."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# name: configuration, model, and a sliding window short enough to matter
ARCHITECTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", "LlamaForCausalLM", {}),
    "mistral": ("MistralConfig", "MistralForCausalLM", {"sliding_window": 8}),
    "qwen2": (
        "Qwen2Config",
        "Qwen2ForCausalLM",
        {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {}),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", {}),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM", {"sliding_window": 8}),
    "gemma3": ("Gemma3TextConfig", "Gemma3ForCausalLM", {"sliding_window": 8}),
}
SPECIAL = ("<|im_start|>", "<|im_end|>")


def tiny_tokenizer(*, chat: bool = True) -> PreTrainedTokenizerFast:
    """One token a byte (256) plus two special ones, the second of which ends an answer."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=SPECIAL[1])
    fast.pad_token = SPECIAL[1]
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    return fast


def tiny_model(
    architecture: str = "llama",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    *,
    vocab_size: int = 258,
    **changes: Any,
) -> PreTrainedModel:
    """A random causal LM of two layers and 32 hidden units that never sees the network.

    Args:
        architecture: a key of `ARCHITECTURES`.
        dtype: of the weights.
        seed: of the weights.
        vocab_size: 258 goes with `tiny_tokenizer`.
        changes: further fields of the configuration; `sliding_window` only reaches architectures that have one.
    """
    special = {"bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 257} if vocab_size >= 258 else {}
    sizes: dict[str, Any] = {
        "vocab_size": vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 512,
        "initializer_range": 0.2,  # far from uniform, so that greedy decoding has something to choose
        **(special or {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}),
    }
    config, kind, window = ARCHITECTURES[architecture]
    if not window:
        changes.pop("sliding_window", None)
    torch.manual_seed(seed)
    model: PreTrainedModel = getattr(transformers, kind)(getattr(transformers, config)(**(sizes | window | changes)))
    return model.to(dtype).eval()


def save_tiny(folder: Path, *, seed: int = 0, chat: bool = True, vocab_size: int = 258, **changes: Any) -> Path:
    """A tiny Llama and its tokenizer as a local folder that `engine.pretrained.load` takes."""
    tiny_model(seed=seed, vocab_size=vocab_size, **changes).save_pretrained(folder)
    tiny_tokenizer(chat=chat).save_pretrained(folder)
    return folder
