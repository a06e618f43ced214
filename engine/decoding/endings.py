"""What ends an answer: one rule for every generation in the tree.

The end tokens of a model's generation config and of its tokenizer both end an answer, whichever the model learned to
write; lm-eval's `hf` model, too, ends at either. There the tokenizer's is a stop string as well, for models that spell
it in ordinary tokens.
"""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.decoding.decoder import Limits
from offbook.engine.plain_generation import own_generation_config


def end_token_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Token ids that end an answer: the generation config's and the tokenizer's; none where neither names one."""
    configured = own_generation_config(model).eos_token_id
    ids = {configured} if isinstance(configured, int) else set(configured or ())
    if isinstance(tokenizer.eos_token_id, int):
        ids.add(tokenizer.eos_token_id)
    return frozenset(int(i) for i in ids)


def limits_of(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_new_tokens: int, asked: Sequence[str] = ()
) -> Limits:
    """Where an answer of a model ends: at the cap, an end token, or a stop string; see `stop_strings_of`."""
    return Limits(
        max_new_tokens=max_new_tokens,
        eos_token_ids=end_token_ids(model, tokenizer),
        stop_strings=stop_strings_of(asked, tokenizer),
    )


def stop_strings_of(asked: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """The stop strings that a task asks for, and behind them the tokenizer's end token as text, as lm-eval has it."""
    if not isinstance(tokenizer.eos_token_id, int):
        return tuple(asked)
    end = str(tokenizer.decode([tokenizer.eos_token_id], skip_special_tokens=False))
    return (*asked, end) if end and end not in asked else tuple(asked)
