"""Six questions of three perspectives, with mistakes if asked, and a job that trains a tiny student on them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModelForCausalLM, PreTrainedModel

from offbook.engine.students.config import StudentConfig
from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.distiller import Job
from tests.tiny import tiny_model, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
CONFIG = StudentConfig(gradient_tokens=1500, questions_per_step=2, learning_rate=1e-3, evaluations=3, max_length=400)
MEASURED = ("wall_s", "peak_bytes", "sha256")  # of a record; the last is of all of it
NAMES = ("planning", "analogy", "socratic")
TEXTS = {"planning": "Add 2 to {i}: {a}.", "analogy": "Like {a} apples.", "socratic": "What is it? It is {a}."}


class StoppedError(Exception):
    """Stands for Ctrl-C."""


def rationale(perspective: str, i: int, answer: str) -> Rationale:
    text, span = close(TEXTS[perspective].format(i=i, a=answer), answer)
    return Rationale(perspective=perspective, text=text, answer_span=span, provenance="test", licence="Apache-2.0")


def corpus(*, mistakes: bool = False) -> Corpus:
    return Corpus.of(
        Question(
            id=f"q{i}",
            question=f"{i} + 2?",
            answer=str(i + 2),
            rationales=tuple(rationale(name, i, str(i + 2)) for name in NAMES),
            mistakes=tuple(rationale(name, i, str(i + 3)) for name in NAMES[:2]) if mistakes and i != 1 else (),
        )
        for i in range(6)
    )


def job(
    folder: Path,
    rationales: Corpus,
    options: dict[str, Any] | None = None,
    score: Callable[[PreTrainedModel], float] = lambda _: 0.0,
    **changes: Any,
) -> Job:
    return Job(
        student=tiny_model(),
        tokenizer=TOKENIZER,
        corpus=rationales,
        config=replace(CONFIG, **changes),
        folder=folder,
        identity={"model": "tiny"},
        score=score,
        options=options or {},
    )


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "distillation.json").read_text())
    return content


def timeless(folder: Path) -> dict[str, Any]:
    """The record without what no two runs share."""
    return {key: value for key, value in record(folder).items() if key not in MEASURED}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return {name: p.detach() for name, p in model.named_parameters()}


def alike(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def plain_logits(model: nn.Module, prompt: tuple[int, ...], tokens: tuple[int, ...]) -> torch.Tensor:
    """The logits that predict a response's tokens, from one row."""
    logits: torch.Tensor = model(input_ids=torch.tensor([[*prompt, *tokens]])).logits[0, len(prompt) - 1 : -1]
    return logits


def plain_losses(model: nn.Module, prompt: tuple[int, ...], tokens: tuple[int, ...]) -> torch.Tensor:
    """The loss of every token of a response, from one row."""
    return functional.cross_entropy(plain_logits(model, prompt, tokens), torch.tensor(tokens), reduction="none")
