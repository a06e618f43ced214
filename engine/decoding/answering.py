"""Greedy answers to any number of prompts: exams, development scores, training answers.

In a layout that steps several sequences at once, a prompt takes the place of an answer as soon as that ends, and
nothing is padded. Elsewhere prompts of about one length are answered together by transformers' `generate`, with the
products of the layout where it exchanges them.
"""

import contextlib
from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.decoding.batch import BatchAnswer, answer_batch
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.detokenizer import Detokenizer
from offbook.engine.decoding.layouts.layout import BatchedLayout, Layout, causal_block
from offbook.engine.decoding.layouts.prepacked import ExchangedProducts
from offbook.engine.decoding.stop import Stop
from offbook.engine.finite import check_logits

OnAnswer = Callable[[int, BatchAnswer], None]


def answer_all(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[Limits],
    *,
    width: int,
    layout: Layout | None = None,
    on_answer: OnAnswer = lambda index, answer: None,
) -> list[BatchAnswer]:
    """Greedy answers to prompts given as token ids.

    Args:
        model: who answers.
        tokenizer: its tokenizer.
        prompts: at least one token each.
        limits: of each prompt.
        width: prompts answered side by side.
        layout: of the model's weights; None for the model as it is.
        on_answer: is told each answer when it ends, with its prompt's index.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    assert len(prompts) == len(limits)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    if isinstance(layout, BatchedLayout):
        found = _side_by_side(model, tokenizer, prompts, limits, order, width, layout, on_answer)
    else:
        found = {}
        with layout.exchanged() if isinstance(layout, ExchangedProducts) else contextlib.nullcontext():
            for start in range(0, len(order), width):
                batch = order[start : start + width]
                answers = answer_batch(model, tokenizer, [prompts[i] for i in batch], [limits[i] for i in batch])
                for index, answer in zip(batch, answers, strict=True):
                    found[index] = answer
                    on_answer(index, answer)
    return [found[index] for index in range(len(prompts))]


class _Going:
    """An answer that is being written."""

    def __init__(self, index: int, cache: TreeCache, stop: Stop) -> None:
        self.index, self.cache, self._stop = index, cache, stop
        self.tokens: list[int] = []

    def write(self, token: int) -> BatchAnswer | None:
        """Adds a token; the answer, if it ends."""
        self.tokens.append(token)
        end = self._stop.cut(self.tokens, len(self.tokens) - 1)
        return None if end is None else BatchAnswer(self.tokens[: end[0]], end[1])


@torch.inference_mode()
def _side_by_side(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[Limits],
    order: Sequence[int],
    width: int,
    layout: BatchedLayout,
    on_answer: OnAnswer,
) -> dict[int, BatchAnswer]:
    layers, detokenize = int(model.config.get_text_config().num_hidden_layers), Detokenizer(tokenizer)
    found: dict[int, BatchAnswer] = {}
    waiting = [*reversed(order)]
    going: list[_Going] = []

    def write(answer: _Going, token: int) -> bool:
        """Whether it goes on."""
        ended = answer.write(token)
        if ended is not None:
            found[answer.index] = ended
            on_answer(answer.index, ended)
        return ended is None

    while waiting or going:
        while waiting and len(going) < width:
            index = waiting.pop()
            cache = TreeCache(num_layers=layers, capacity=len(prompts[index]) + limits[index].max_new_tokens)
            answer = _Going(index, cache, Stop(limits[index], detokenize))
            positions, causal = causal_block(0, len(prompts[index]))
            output = layout.step(torch.tensor(prompts[index]), positions, causal, cache, logits_for=1)
            cache.commit(len(prompts[index]))
            if write(answer, _chosen(output.logits_NV)[0]):
                going.append(answer)
        if going:
            last = torch.tensor([answer.tokens[-1] for answer in going])
            tokens = _chosen(layout.advance(last, [answer.cache for answer in going]))
            going = [answer for answer, token in zip(going, tokens, strict=True) if write(answer, token)]
    return found


def _chosen(logits_BV: torch.Tensor) -> list[int]:
    check_logits(logits_BV)
    tokens: list[int] = logits_BV.argmax(dim=-1).tolist()
    return tokens
