"""When an answer ends: end-of-sequence ids, stop strings, the cap. One rule for every contender.

An answer ends at the first token whose prefix of the answer, as text, holds a stop string. Detokenising the whole
answer every round would cost more the longer it is, on the clock, so only its tail is looked at. That is exact where
the text of a tail is the end of the whole text but for its beginning: leading spaces may be missing, and a character
cut in two shows as U+FFFD. So is the text judged before, but for the U+FFFD of an unfinished character at its end.
(Byte fallback keeps this where the bytes of a run form characters and no stop string holds U+FFFD.)

A stop string may be a special token, or span one (`<|eot_id|>`), which the visible text leaves out. So it counts in
the text with special tokens spelled out as well as in the visible one. What is cut off is cut from the visible text.
"""

from collections.abc import Callable, Sequence

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.detokenizer import Detokenizer
from offbook.engine.decoding.generation import FinishReason

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Stop:
    """Watches one answer grow; a `detokenize` that is no `Detokenizer` is taken to know no special tokens.

    Raises:
        ValueError: stop strings without a way to turn tokens into text.
    """

    def __init__(self, limits: Limits, detokenize: Callable[[Sequence[int]], str] | None) -> None:
        if limits.stop_strings and detokenize is None:
            msg = "stop strings need a tokenizer; pass one, or stop on token ids only"
            raise ValueError(msg)
        self._limits = limits
        self._readings = _readings(detokenize)

    def cut(self, tokens: Sequence[int], seen: int) -> tuple[int, FinishReason] | None:
        """Where the answer ends, if it does: (tokens kept, reason).

        Args:
            tokens: all new tokens so far.
            seen: how many of them were judged before and found open.
        """
        end = min(len(tokens), self._limits.max_new_tokens)
        start = self._tail(tokens, seen) if self._limits.stop_strings else 0
        for n in range(seen + 1, end + 1):
            if tokens[n - 1] in self._limits.eos_token_ids:
                return n, "eos"
            if self._has_stop_string(tokens[start:n], whole=start == 0):
                return n, "stop"
        return (end, "length") if end == self._limits.max_new_tokens else None

    def _tail(self, tokens: Sequence[int], seen: int) -> int:
        """Where to begin: the tail holds at least the longest stop string's length of settled, judged characters."""
        longest = max(len(s) for s in self._limits.stop_strings)
        rows = longest
        while rows < seen:
            if all(len(t.strip(REPLACEMENT)) >= longest for t in self._readings(tokens[seen - rows : seen])):
                return seen - rows
            rows *= 2  # these decode to too little, or to nothing
        return 0

    def _has_stop_string(self, tokens: Sequence[int], *, whole: bool) -> bool:
        if not self._limits.stop_strings:
            return False
        texts = self._readings(tokens)
        if not whole:
            texts = tuple(text.lstrip(REPLACEMENT) for text in texts)
        return any(s in text for text in texts for s in self._limits.stop_strings)


def visible_text(text: str, stop_strings: Sequence[str]) -> str:
    """The answer up to the first stop string, each cut off in turn as lm-eval does (two that overlap need an order)."""
    for stop in stop_strings:
        text = text.split(stop, 1)[0]
    return text


def _readings(detokenize: Callable[[Sequence[int]], str] | None) -> Callable[[Sequence[int]], tuple[str, ...]]:
    if isinstance(detokenize, Detokenizer):
        return detokenize.readings
    return lambda tokens: () if detokenize is None else (detokenize(tokens),)
