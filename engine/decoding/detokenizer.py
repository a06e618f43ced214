"""From token ids to text: as people read it, and with the special tokens spelled out.

Stop strings are judged on both readings: `<|im_end|>` may be a special token, which the visible text leaves out.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase


class Detokenizer:
    """A tokenizer's way back to text; called, it gives the visible text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.items()
        # a superset of what decoding leaves out is enough: it only decides whether both readings are looked at
        self._special = frozenset(tokenizer.all_special_ids) | {i for i, token in added if token.special}

    def __call__(self, tokens: Sequence[int]) -> str:
        """Text of token ids, special tokens left out."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def readings(self, tokens: Sequence[int]) -> tuple[str, ...]:
        """The texts in which a stop string counts: the visible one, and another where there are special tokens."""
        visible = self(tokens)
        if self._special.isdisjoint(tokens):
            return (visible,)
        return visible, str(self._tokenizer.decode(list(tokens), skip_special_tokens=False))
