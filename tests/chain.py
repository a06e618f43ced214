"""A model that says what it is told to: its next token hangs on the last one alone."""

from collections.abc import Mapping
from pathlib import Path

import torch
from tokenizers import AddedToken
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.tiny import tiny_tokenizer

EOT = "<eot>"


def chain_tokenizer(*, chat: bool = False) -> PreTrainedTokenizerFast:
    """The tiny tokenizer with a third special token, `EOT`, which ends nothing by itself."""
    tokenizer = tiny_tokenizer(chat=chat)
    tokenizer.add_tokens([AddedToken(EOT, special=True)])
    return tokenizer


def chain_model(tokenizer: PreTrainedTokenizerFast, follows: Mapping[str, str]) -> LlamaForCausalLM:
    """A greedy model behind whose token `a` comes `b`, for each pair of `follows`; a token without one repeats itself.

    Its generation config names no end token.
    """
    size = len(tokenizer)
    hidden = 4 * -(-size // 4)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=hidden,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    model = LlamaForCausalLM(config).eval()
    follow = torch.arange(size)
    for a, b in follows.items():
        follow[one(tokenizer, a)] = one(tokenizer, b)
    with torch.no_grad():
        for weight in (model.model.layers[0].self_attn.o_proj.weight, model.model.layers[0].mlp.down_proj.weight):
            weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(size, hidden))
        model.lm_head.weight.zero_()
        model.lm_head.weight[follow, torch.arange(size)] = 1.0
    return model


def one(tokenizer: PreTrainedTokenizerFast, text: str) -> int:
    """The id of a text that is one token."""
    (token,) = tokenizer(text, add_special_tokens=False)["input_ids"]
    return int(token)


def save_chain(folder: Path, follows: Mapping[str, str], *, chat: bool = False) -> Path:
    """Both as a folder that `engine.pretrained.load` takes."""
    tokenizer = chain_tokenizer(chat=chat)
    chain_model(tokenizer, follows).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
