"""`offbook generate`: one prompt, text as it is committed, and what the decoder did for it."""

from collections.abc import Callable, Sequence

from offbook.engine.decoding.decoder import make_ready
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.metrics import acceptance_length, tokens_per_second
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import visible_text
from offbook.harness.roster.arms import Arm
from offbook.harness.roster.target import Target

INCOMPLETE = "\ufffd"


def generate(
    target: Target,
    arm: Arm,
    text: str,
    *,
    sampling: Sampling,
    max_new_tokens: int,
    seed: int,
    chat_template: bool,
    write: Callable[[str], object],
) -> Generation:
    """Answers `text`; `write` gets the answer piece by piece.

    Raises:
        ValueError: an empty prompt, or one that does not fit the model's context.
    """
    if not text.strip():
        msg = "expected a prompt of at least one token, got an empty one; give it some text"
        raise ValueError(msg)
    rendered = target.render_chat([{"role": "user", "content": text}]) if chat_template else text
    limits = target.limits(max_new_tokens)
    stream = _Stream(target, limits.stop_strings, write)
    prompt_1P = target.prompt(rendered, templated=chat_template)
    make_ready(arm.decoder, sampling=sampling, rows=prompt_1P.shape[1] + max_new_tokens)
    generation = arm.decoder.generate(
        prompt_1P,
        sampling=sampling,
        limits=limits,
        generator=target.generator(seed),
        on_commit=stream,
    )
    stream.end()
    return generation


def account(generation: Generation) -> str:
    """What the decoder did, in one line."""
    return (
        f"{len(generation.tokens)} tokens in {generation.wall_s:.1f} s ({tokens_per_second([generation]):.1f} tok/s), "
        f"acceptance length {acceptance_length([generation]):.2f} over {generation.target_forwards} verify forwards, "
        f"ended by {generation.finish_reason}"
    )


class _Stream:
    """Turns tokens into text that is never taken back: half a character or stop string waits for its other half."""

    def __init__(self, target: Target, stops: Sequence[str], write: Callable[[str], object]) -> None:
        self._target = target
        self._stops = stops
        self._write = write
        self._tokens: list[int] = []
        self._written = ""

    def __call__(self, tokens: Sequence[int]) -> None:
        self._tokens += tokens
        text = visible_text(self._target.detokenize(self._tokens).rstrip(INCOMPLETE), self._stops)
        self._emit(text[: min((_begun(text, stop) for stop in self._stops), default=len(text))])

    def end(self) -> None:
        """Writes what was held back."""
        self._emit(visible_text(self._target.detokenize(self._tokens), self._stops))

    def _emit(self, text: str) -> None:
        if text.startswith(self._written) and text != self._written:
            self._write(text[len(self._written) :])
            self._written = text


def _begun(text: str, stop: str) -> int:
    """Where a stop string begins that the end of a text may be the first part of; its length where there is none."""
    return next((at for at in range(max(len(text) - len(stop), 0), len(text)) if stop.startswith(text[at:])), len(text))
