"""When an answer ends: end-of-sequence ids, stop strings, the cap. One rule for every contender."""

from collections.abc import Callable, Sequence

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import FinishReason


class Stop:
    """Watches one answer grow.

    Raises:
        ValueError: stop strings without a way to turn tokens into text.
    """

    def __init__(self, limits: Limits, detokenize: Callable[[Sequence[int]], str] | None) -> None:
        if limits.stop_strings and detokenize is None:
            msg = "stop strings need a tokenizer; pass one, or stop on token ids only"
            raise ValueError(msg)
        self._limits = limits
        self._detokenize = detokenize

    def cut(self, tokens: Sequence[int], seen: int) -> tuple[int, FinishReason] | None:
        """Where the answer ends, if it does: (tokens kept, reason).

        Args:
            tokens: all new tokens so far.
            seen: how many of them were judged before and found open.
        """
        end = min(len(tokens), self._limits.max_new_tokens)
        text_before = self._has_stop_string(tokens[:end]) if self._limits.stop_strings else False
        for n in range(seen + 1, end + 1):
            if tokens[n - 1] in self._limits.eos_token_ids:
                return n, "eos"
            if text_before and self._has_stop_string(tokens[:n]):
                return n, "stop"
        return (end, "length") if end == self._limits.max_new_tokens else None

    def _has_stop_string(self, tokens: Sequence[int]) -> bool:
        assert self._detokenize is not None
        text = self._detokenize(tokens)
        return any(s in text for s in self._limits.stop_strings)


def visible_text(text: str, stop_strings: Sequence[str]) -> str:
    """The answer up to the first stop string."""
    ends = [text.find(s) for s in stop_strings if s in text]
    return text[: min(ends)] if ends else text
