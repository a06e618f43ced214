"""Models of a published shape with random weights: what a step of such a model costs, without having it.

Nothing but speed may be read off them. A name that ends in "-bf16" has its weights rounded to bfloat16, as checkpoints
released in it have, so that the layout `packed` finds that form.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from offbook.engine.decoding.backbone import Backbone
from offbook.harness.roster.target import Target

ROUNDED = "-bf16"
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "qwen2.5-0.5b-shape": {  # the config.json of Qwen/Qwen2.5-0.5B
        "vocab_size": 151936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
        "tie_word_embeddings": True,
    }
}
NAMES = tuple(name + ending for name in SHAPES for ending in ("", ROUNDED))
PROMPT = 48  # tokens


def random_model(name: str) -> PreTrainedModel:
    """One of `NAMES`, float32, the same weights every time.

    Raises:
        KeyError: another name.
    """
    return random_qwen2(SHAPES[name.removesuffix(ROUNDED)], rounded=name.endswith(ROUNDED))


def random_target(name: str) -> Target:
    """One of `NAMES` as a target; its tokenizer knows no word, so only token ids can be asked (`random_prompts`).

    Raises:
        KeyError: another name.
    """
    return Target(
        name=name,
        dtype="float32",
        backbone=Backbone(random_model(name)),
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE())),
        weights_sha256=hashlib.sha256(name.encode()).hexdigest(),
        eos_token_ids=frozenset(),
    )


def random_prompts(count: int, vocab_size: int) -> list[list[int]]:
    """So many prompts of `PROMPT` token ids, the same every time."""
    generator = torch.Generator().manual_seed(0)
    found: list[list[int]] = torch.randint(vocab_size, (count, PROMPT), generator=generator).tolist()
    return found


def random_qwen2(shape: Mapping[str, Any], *, rounded: bool) -> PreTrainedModel:
    """A Qwen2 model of any shape; `rounded`: every weight is one that bfloat16 holds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(Qwen2Config(**shape)).eval()
    return model.bfloat16().float() if rounded else model  # type: ignore[no-any-return]
