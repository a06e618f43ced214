"""The seam between a contender and whoever runs it: a prompt and settings in, a `Generation` out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling

OnCommit = Callable[[Sequence[int]], None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Where decoding stops: the cap, end-of-sequence ids, and stop strings (removed from the text, not returned)."""

    max_new_tokens: int
    eos_token_ids: frozenset[int] = frozenset()
    stop_strings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            msg = f"max_new_tokens must be at least 1, got {self.max_new_tokens}; raise the cap"
            raise ValueError(msg)


class Decoder(Protocol):
    """One contender bound to one target model."""

    def generate(
        self,
        prompt_1P: torch.Tensor,
        *,
        sampling: Sampling,
        limits: Limits,
        generator: torch.Generator,
        on_commit: OnCommit | None = None,
    ) -> Generation:
        """Continue `prompt_1P` (shape (1, P), int64).

        All randomness comes from `generator`; `on_commit` sees the new tokens of each round, trimmed.

        Raises:
            ValueError: empty prompt, or prompt plus cap beyond the model's context.
        """
        ...


@runtime_checkable
class ReadyDecoder(Protocol):
    """A decoder that does once, in nobody's time, what all its answers need: compile, capture, lay out memory."""

    def make_ready(self, *, sampling: Sampling, rows: int) -> None:
        """Documents follow, of up to so many tokens, prompts included, under these settings; none of them is known."""
        ...


def make_ready(decoder: Decoder, *, sampling: Sampling, rows: int) -> None:
    """Does so where a decoder has something to do; see `ReadyDecoder`."""
    if isinstance(decoder, ReadyDecoder):
        decoder.make_ready(sampling=sampling, rows=rows)
