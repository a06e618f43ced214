"""Launches of the vocabulary loss's kernels at the sizes of real models, for who compiles them and runs none."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from offbook.kernels.proof.case import Compiled
from offbook.kernels.vocab_loss.terms import Teacher, TeacherLogits, TeacherTop, Terms

MODELS = {"SmolLM2-135M": (576, 49_152), "Qwen2.5-0.5B": (896, 151_936), "Llama-3-8B": (4_096, 128_256)}
DRAFTS = {"drafter of 8192 tokens": (576, 8_192)}
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
ROWS, TOKENS, LIKELIEST = 4, 8_192, 64


def cases() -> Iterator[Compiled]:
    """Every kernel, dtype and configuration."""
    for model, (hidden, size) in (MODELS | DRAFTS).items():
        for dtype in DTYPES:
            named: dict[str, Any] = {"op": "vocab_loss", "dtype": str(dtype).removeprefix("torch.")}
            quick = model == "SmolLM2-135M" and dtype == torch.bfloat16
            for what, launch in _rows(size, dtype).items():
                yield Compiled(shape=f"{model}, {what}", launch=launch, quick=quick and what == "labels", **named)
            if dtype.itemsize == 2 and model in MODELS:
                yield Compiled(
                    shape=f"{model}, a head without logits",
                    launch=partial(_head, hidden, size, dtype),
                    tensor_cores=("_head_stats",),
                    quick=quick,
                    **named,
                )


def _rows(size: int, dtype: torch.dtype) -> dict[str, Callable[[], None]]:
    """The kernels of rows that are there, by what they are asked for."""
    logits = TeacherLogits(logits_NW=torch.empty(ROWS, size, dtype=dtype))
    fewer = TeacherLogits(logits_NW=torch.empty(ROWS, size - 64, dtype=dtype))
    ids = torch.zeros(ROWS, LIKELIEST, dtype=torch.long)
    likeliest = TeacherTop(ids_NK=ids, probs_NK=torch.empty(ROWS, LIKELIEST))
    launch = partial(_launch, size, dtype)
    return {
        "labels": partial(launch, labels=True),
        "labels without gradient": partial(launch, labels=True, gradient=False),
        "a teacher": partial(launch, teacher=logits),
        "labels and a teacher": partial(launch, labels=True, teacher=logits),
        "labels and a teacher of fewer ids": partial(launch, labels=True, teacher=fewer, temperature=2.0),
        "a teacher without gradient": partial(launch, teacher=logits, gradient=False),
        "labels and the likeliest of a teacher": partial(launch, labels=True, teacher=likeliest),
        "the likeliest of a teacher": partial(launch, teacher=likeliest),
    }


def _launch(
    size: int,
    dtype: torch.dtype,
    *,
    labels: bool = False,
    teacher: Teacher | None = None,
    temperature: float = 1.0,
    gradient: bool = True,
) -> None:
    from offbook.kernels.vocab_loss import triton as kernels

    terms = Terms(
        labels_N=torch.zeros(ROWS, dtype=torch.long) if labels else None,
        weights_N=torch.empty(ROWS) if labels else None,
        teacher=teacher,
        divergence_weights_N=None if teacher is None else torch.empty(ROWS),
        temperature=temperature,
    )
    kernels.row_losses(torch.empty(ROWS, size, dtype=dtype), terms, gradient=gradient)


def _head(hidden: int, size: int, dtype: torch.dtype) -> None:
    from offbook.kernels.vocab_loss import triton as kernels

    states, head = torch.empty(TOKENS, hidden, dtype=dtype), torch.empty(size, hidden, dtype=dtype)
    kernels.head_nll(states, head, torch.zeros(TOKENS, dtype=torch.long))
