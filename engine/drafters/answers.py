"""The target answers the training prompts itself: greedy, batched, resumable.

A drafter imitates its target, so it learns from the target's own words, not from somebody else's answers.
Answers are kept as token ids, one JSON line a prompt, named by prompt id and the hash of the prompt's token
ids; a prompt already answered in the output file is not answered again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.chat_answers import chat_tokens, greedy_tokens
from offbook.engine.context import check_fit, context_of
from offbook.engine.decoding.layouts.layout import Layout
from offbook.engine.files import atomic_write_text, writing
from offbook.engine.text import parse_json, read_text
from offbook.engine.unusable import UnusableError


class Question(Protocol):
    """What is asked: anything with an id and a prompt."""

    @property
    def id(self) -> str:
        """Unique name."""
        ...

    @property
    def prompt(self) -> str:
        """The user's words."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The target's answer to one prompt, as token ids; ends with the end-of-sequence token unless it hit the cap.

    `prompt` are the user's words, "" where only their tokens are known.
    """

    id: str
    prompt_tokens: tuple[int, ...]
    answer_tokens: tuple[int, ...]
    prompt: str = field(default="", compare=False)


def answer_prompts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: Sequence[Question],
    path: Path,
    *,
    max_new_tokens: int = 96,
    batch_size: int = 32,
    layout: Layout | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Answer]:
    """Answers what `path` does not hold yet, appends each answer there when it ends, and returns all in order.

    Args:
        model: the target.
        tokenizer: its tokenizer.
        questions: what to ask.
        path: JSON Lines file, made if missing; an unfinished last line (a kill) is dropped.
        max_new_tokens: cap on each answer.
        batch_size: prompts answered side by side.
        layout: of its weights; None for the model as it is.
        progress: called with (answered, total).

    Raises:
        ValueError: a prompt that does not fit the model's context with its answer; see also `chat_tokens`.
    """
    prompts = {q.id: chat_tokens(tokenizer, q.prompt) for q in questions}
    check_fit(((f"question {i}", len(tokens), max_new_tokens) for i, tokens in prompts.items()), context_of(model))
    known = _read(path, prompts) if path.exists() else {}
    _write_all(path, known, prompts)
    asked = [i for i in prompts if i not in known]
    progress(len(known), len(prompts))

    def keep(index: int, answer: list[int]) -> None:
        known[asked[index]] = answer
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(_line(asked[index], prompts[asked[index]], answer))
        progress(len(known), len(prompts))

    greedy_tokens(
        model, tokenizer, [prompts[i] for i in asked], max_new_tokens, width=batch_size, layout=layout, on_answer=keep
    )
    _write_all(path, known, prompts)
    return _answers(questions, prompts, known)


def load_answers(path: Path, tokenizer: PreTrainedTokenizerBase, questions: Iterable[Question]) -> list[Answer]:
    """Reads answers made earlier for exactly these questions.

    Raises:
        ValueError: a question without an answer, or answered under another tokenizer or chat template.
    """
    questions = list(questions)
    prompts = {q.id: chat_tokens(tokenizer, q.prompt) for q in questions}
    known = _read(path, prompts)
    missing = [i for i in prompts if i not in known]
    if missing:
        msg = (
            f"{path.name}: expected an answer to each of {len(prompts)} prompts under this tokenizer and template, got "
            f"none for {missing[0]} and {len(missing) - 1} more; answer them anew with --answers regenerate"
        )
        raise ValueError(msg)
    return _answers(questions, prompts, known)


def _answers(questions: Sequence[Question], prompts: dict[str, list[int]], known: dict[str, list[int]]) -> list[Answer]:
    words = {q.id: q.prompt for q in questions}
    return [
        Answer(id=i, prompt_tokens=tuple(p), answer_tokens=tuple(known[i]), prompt=words[i]) for i, p in prompts.items()
    ]


def _digest(tokens: list[int]) -> str:
    return hashlib.sha256(json.dumps(tokens).encode()).hexdigest()[:16]


def _line(question_id: str, prompt: list[int], answer: list[int]) -> str:
    row = {"id": question_id, "prompt_sha256": _digest(prompt), "tokens": answer}
    return json.dumps(row, separators=(",", ":")) + "\n"


def _read(path: Path, prompts: dict[str, list[int]]) -> dict[str, list[int]]:
    known: dict[str, list[int]] = {}
    remedy = "remove the line, and the question is asked again"
    for number, line in enumerate(read_text(path, what="answers").splitlines(keepends=True), start=1):
        if not line.endswith("\n"):
            break
        where = f"{path}, line {number}"
        try:
            row = parse_json(line, source=where, remedy=remedy)
        except ValueError as error:
            raise UnusableError(str(error), path) from error
        found: dict[str, Any] = row if isinstance(row, dict) else {}
        name, digest, tokens = (found.get(field) for field in ("id", "prompt_sha256", "tokens"))
        named = isinstance(name, str) and isinstance(digest, str)
        if not (named and isinstance(tokens, list) and all(type(token) is int and token >= 0 for token in tokens)):
            msg = f"{where}: expected an id, a prompt_sha256 and tokens, got something else; {remedy}"
            raise UnusableError(msg, path)
        if name in prompts and digest == _digest(prompts[name]):
            known[name] = tokens
    return known


def _write_all(path: Path, known: dict[str, list[int]], prompts: dict[str, list[int]]) -> None:
    atomic_write_text(path, "".join(_line(i, p, known[i]) for i, p in prompts.items() if i in known))
