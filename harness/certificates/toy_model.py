"""A transformers model small enough to enumerate: eight tokens, one prompt, every continuation of four tokens.

For contenders that decode and draw by themselves, and so can only be tested whole. The prompt repeats itself, and the
model likes the repetition: prompt lookup finds candidates, of which about half are accepted.
"""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.toy_target import warped
from offbook.harness.roster.target import Target

VOCABULARY = 8
LENGTH = 4  # the prefill's token, two accepted ones and the bonus token
PROMPT = (0, 1, 2, 3, 4, 5, 6, 7, 1, 2, 5, 3, 1, 2)  # "1 2" was followed by "3 4" and by "5 3"
SEED = 9  # of the weights: the first under which 3, and 4 behind it, are likely but not certain


@cache
def toy_model(layers: int = 1, device: str = "cpu") -> Target:
    """A random Llama, in float64 on the CPU and in float32 elsewhere; its words are the digits.

    Of two layers, the first may draft for both.
    """
    dtype = torch.float64 if device == "cpu" else torch.float32
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.4,  # neither flat nor certain
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = LlamaForCausalLM(config)
    torch.nn.Module.to(model, device=device, dtype=dtype)
    words = Tokenizer(models.WordLevel({str(i): i for i in range(VOCABULARY)}, unk_token="0"))
    return Target(
        name="toy",
        dtype=str(dtype).removeprefix("torch."),
        backbone=Backbone(model),
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=words),
        weights_sha256="",
        eos_token_ids=frozenset(),
    )


@torch.inference_mode()
def exact_continuations(target: Target, sampling: Sampling) -> NDArray[np.float64]:
    """Probability of every continuation of `PROMPT`, (V^LENGTH,), the first token the most significant digit.

    From the model's own forwards over whole sequences, under transformers' own attention and without a cache.
    """
    beginnings_BL = torch.cartesian_prod(*[torch.arange(VOCABULARY)] * (LENGTH - 1))
    prompts_BP = torch.tensor(PROMPT).expand(len(beginnings_BL), -1)
    target.backbone.use_native_attention()
    try:
        texts_BT = torch.cat([prompts_BP, beginnings_BL], dim=1).to(target.device)
        logits_BLV = target.backbone.model(texts_BT, logits_to_keep=LENGTH).logits.double().cpu()
    finally:
        target.backbone.use_tree_attention()
    exact = np.ones(1)
    for i in range(LENGTH):
        logits_NV = logits_BLV[:: VOCABULARY ** (LENGTH - 1 - i), i].numpy()  # one row of each beginning of i tokens
        exact = (exact[:, None] * warped(logits_NV, sampling)).ravel()
    return exact
