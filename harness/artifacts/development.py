"""A student's answers to the development questions, greedy and in batches, and the share of them that is right."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from offbook.engine.chat_answers import chat_tokens, greedy_texts, greedy_tokens
from offbook.engine.context import check_fit
from offbook.harness.artifacts.material import Material

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from offbook.engine.students.distiller import Answers, Score

DEV_BATCH = 64


def dev_score(
    material: Material,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_new_tokens: int,
    context_length: int | None = None,
) -> "Score":
    """Share of the development questions that a model answers rightly.

    Raises:
        ValueError: a question that does not fit the model's context with its answer.
    """
    prompts = _prompts(material, tokenizer)
    named = zip((f"development question {question.id}" for question in material.dev), prompts, strict=True)
    check_fit(((what, len(tokens), max_new_tokens) for what, tokens in named), context_length)

    def score(model: "PreTrainedModel") -> float:
        from offbook.engine.decoding.layouts.choose import layout_in_training

        layout = layout_in_training(model)
        texts = greedy_texts(model, tokenizer, prompts, max_new_tokens, width=DEV_BATCH, layout=layout)
        return sum(asked.is_answered_by(text) for asked, text in zip(material.dev, texts, strict=True)) / len(prompts)

    return score


def dev_answers(
    material: Material, tokenizer: "PreTrainedTokenizerBase", *, max_new_tokens: int
) -> "Callable[[PreTrainedModel], Answers]":
    """The development questions with what a model answers, as token ids; questions that `dev_score` took."""
    prompts = _prompts(material, tokenizer)

    def answers(model: "PreTrainedModel") -> "Answers":
        from offbook.engine.decoding.layouts.choose import layout_in_training

        layout = layout_in_training(model)
        said = greedy_tokens(model, tokenizer, prompts, max_new_tokens, width=DEV_BATCH, layout=layout)
        return list(zip(prompts, said, strict=True))

    return answers


def _prompts(material: Material, tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
    return [chat_tokens(tokenizer, question.prompt) for question in material.dev]
