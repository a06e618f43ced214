"""Many prompts answered at once by transformers' `generate`: teachers, and whoever has no layout that steps several.

Each answer ends by the same rule as one that is decoded alone (`engine.decoding.stop`), under limits of its own; what
the batch goes on to write behind an answer, padding included, is cut off.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteria, StoppingCriteriaList

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.detokenizer import Detokenizer
from offbook.engine.decoding.generation import FinishReason
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.plain_generation import plain_generation


class BatchAnswer(NamedTuple):
    """New tokens up to what ended them, which an end token is part of, and what that was."""

    tokens: list[int]
    finish_reason: FinishReason

    @property
    def finished(self) -> bool:
        """Whether the answer ended by itself, rather than at the cap."""
        return self.finish_reason != "length"


@torch.inference_mode()
def answer_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[Limits],
    *,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> list[BatchAnswer]:
    """Answers to prompts given as token ids, left-padded into one batch.

    All else that a model's own generation config asks for is left out.

    Args:
        model: asked by its own `generate`.
        tokenizer: its tokenizer.
        prompts: at least one token each.
        limits: of each prompt.
        sampling: greedy by default.
        seed: of what is drawn, which also depends on who shares the batch.
    """
    assert len(prompts) == len(limits)
    watch = _Watch(limits, Detokenizer(tokenizer))
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0  # masked, so that any id will do
    longest = max(map(len, prompts))
    rows = torch.tensor([[pad] * (longest - len(p)) + [*p] for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    settings: dict[str, Any] = {"do_sample": False}
    if sampling is not None and not sampling.greedy:
        settings = {"do_sample": True, "temperature": sampling.temperature}
        settings |= {"top_k": sampling.top_k, "top_p": sampling.top_p}
    generate: Any = model.generate  # its annotations want a tensor subclass
    with plain_generation(model), torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        generate(
            rows,
            attention_mask=mask,
            max_new_tokens=max(limit.max_new_tokens for limit in limits),
            pad_token_id=pad,
            stopping_criteria=StoppingCriteriaList([watch]),
            **settings,
        )
    return watch.answers()


class _Watch(StoppingCriteria):
    """Sees the last token of every row, and ends each row by its own limits."""

    def __init__(self, limits: Sequence[Limits], detokenize: Detokenizer) -> None:
        self._stops = [Stop(limit, detokenize) for limit in limits]
        self._tokens: list[list[int]] = [[] for _ in limits]
        self._ended: list[tuple[int, FinishReason] | None] = [None for _ in limits]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: Any) -> torch.BoolTensor:
        for row, token in enumerate(input_ids[:, -1].tolist()):
            if self._ended[row] is None:
                self._tokens[row].append(token)
                self._ended[row] = self._stops[row].cut(self._tokens[row], len(self._tokens[row]) - 1)
        return torch.tensor([end is not None for end in self._ended], device=input_ids.device)  # type: ignore[return-value]

    def answers(self) -> list[BatchAnswer]:
        """Every row's answer, once all have ended."""
        found = []
        for tokens, end in zip(self._tokens, self._ended, strict=True):
            assert end is not None, "the largest cap ends every row"
            found.append(BatchAnswer(tokens[: end[0]], end[1]))
        return found
