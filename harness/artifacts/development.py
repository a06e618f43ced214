"""A student's answers to the development questions, greedy and in batches, and the share of them that is right."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from offbook.engine.chat_answers import chat_tokens, greedy_texts, greedy_tokens
from offbook.engine.context import check_fit
from offbook.harness.artifacts.material import DevQuestion, Material

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
    return _share_right(material.dev, tokenizer, max_new_tokens, context_length)


def retention_score(
    material: Material,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_new_tokens: int,
    context_length: int | None = None,
) -> "Score | None":
    """The same of the development questions of other kinds; None where there are none.

    Raises:
        ValueError: see `dev_score`.
    """
    if not material.retention:
        return None
    return _share_right(material.retention, tokenizer, max_new_tokens, context_length)


def dev_answers(
    material: Material, tokenizer: "PreTrainedTokenizerBase", *, max_new_tokens: int
) -> "Callable[[PreTrainedModel], Answers]":
    """The development questions with what a model answers, as token ids; questions that `dev_score` took."""
    prompts = _prompts(material.dev, tokenizer)

    def answers(model: "PreTrainedModel") -> "Answers":
        from offbook.engine.decoding.layouts.choose import layout_in_training

        layout = layout_in_training(model)
        said = greedy_tokens(model, tokenizer, prompts, max_new_tokens, width=DEV_BATCH, layout=layout)
        return list(zip(prompts, said, strict=True))

    return answers


def _share_right(
    questions: Sequence[DevQuestion],
    tokenizer: "PreTrainedTokenizerBase",
    max_new_tokens: int,
    context_length: int | None,
) -> "Score":
    prompts = _prompts(questions, tokenizer)
    named = zip((f"development question {question.id}" for question in questions), prompts, strict=True)
    check_fit(((what, len(tokens), max_new_tokens) for what, tokens in named), context_length)

    def score(model: "PreTrainedModel") -> float:
        from offbook.engine.decoding.layouts.choose import layout_in_training

        layout = layout_in_training(model)
        texts = greedy_texts(model, tokenizer, prompts, max_new_tokens, width=DEV_BATCH, layout=layout)
        return sum(asked.is_answered_by(text) for asked, text in zip(questions, texts, strict=True)) / len(prompts)

    return score


def _prompts(questions: Sequence[DevQuestion], tokenizer: "PreTrainedTokenizerBase") -> list[list[int]]:
    return [chat_tokens(tokenizer, question.prompt) for question in questions]
