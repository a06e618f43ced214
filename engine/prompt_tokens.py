"""From text to the token ids of a prompt, one rule wherever a model is asked something.

Some tokenizers append an end-of-sequence token to whatever they encode (`add_eos_token`, or a post-processor that
does). A prompt is to be continued, so that one is left out; what the text itself spells stays.
"""

from transformers import PreTrainedTokenizerBase

from offbook.engine.encoding import token_ids

PROBE = "a"  # any text: how many tokens are added behind it does not depend on it


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, text: str, *, templated: bool = False) -> list[int]:
    """Token ids; special tokens are added unless the text has them already (from a template, or typed).

    Raises:
        ValueError: see `engine.encoding.token_ids`.
    """
    bos = tokenizer.bos_token
    if templated or (isinstance(bos, str) and bos and text.startswith(bos)):
        return token_ids(tokenizer, text, special=False)
    tokens = token_ids(tokenizer, text, special=True)
    return tokens[: len(tokens) - _appended_ends(tokenizer)]


def _appended_ends(tokenizer: PreTrainedTokenizerBase) -> int:
    """How many end tokens (of a text, or of one of two texts) this tokenizer puts behind a text."""
    bare, whole = token_ids(tokenizer, PROBE, special=False), token_ids(tokenizer, PROBE, special=True)
    places = [at for at in range(len(whole) - len(bare) + 1) if whole[at : at + len(bare)] == bare]
    ends = {tokenizer.eos_token_id, tokenizer.sep_token_id} - {None}
    appended = 0
    for token in reversed(whole[places[0] + len(bare) :] if places else []):
        if token not in ends:
            break
        appended += 1
    return appended
