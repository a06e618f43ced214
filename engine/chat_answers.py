"""A user's turn as token ids, and a model's greedy answers to many of them at once."""

from collections.abc import Callable, Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.endings import limits_of
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.decoding.stop import visible_text
from offbook.engine.encoding import render_turns
from offbook.engine.prompt_tokens import prompt_tokens


def chat_tokens(tokenizer: PreTrainedTokenizerBase, prompt: str) -> list[int]:
    """Token ids of a user turn in the model's chat template, or of the bare prompt where it has none.

    Raises:
        ValueError: see `engine.encoding`.
    """
    if tokenizer.chat_template is None:
        return prompt_tokens(tokenizer, prompt)
    return prompt_tokens(tokenizer, render_turns(tokenizer, [{"role": "user", "content": prompt}]), templated=True)


def greedy_tokens(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    width: int = 32,
    layout: Layout | None = None,
    on_answer: Callable[[int, list[int]], None] = lambda index, tokens: None,
) -> list[list[int]]:
    """The greedy answers to prompts given as token ids, `width` of them side by side; see `answer_all`.

    Each answer ends by the one rule of `engine.decoding.endings` unless it hits the cap.
    """
    limits = limits_of(model, tokenizer, max_new_tokens)
    answers = answer_all(
        model,
        tokenizer,
        prompts,
        [limits] * len(prompts),
        width=width,
        layout=layout,
        on_answer=lambda index, answer: on_answer(index, answer.tokens),
    )
    return [answer.tokens for answer in answers]


def greedy_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    *,
    width: int = 32,
    layout: Layout | None = None,
) -> list[str]:
    """`greedy_tokens` as text, without special tokens and what ended it."""
    stops = limits_of(model, tokenizer, max_new_tokens).stop_strings
    answers = greedy_tokens(model, tokenizer, prompts, max_new_tokens, width=width, layout=layout)
    return [visible_text(str(tokenizer.decode(tokens, skip_special_tokens=True)), stops) for tokens in answers]
