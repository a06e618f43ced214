"""A student's weights at rest: in bf16 unless its development score falls by the rounding.

A student that is read in fp32 then has the very weights that were scored, and the layout `packed` holds them in half
the bytes.
"""

import math
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from offbook.engine.files import atomic_files
from offbook.engine.finite import NotFiniteError
from offbook.engine.students.distiller import Job, Score
from offbook.engine.students.precision import Precision, autocast


def development_score(job: Job, student: Any, precision: Precision) -> float:
    """The development score as a training takes it; NaN where the student's logits are not finite."""
    return _taken(job.score, job, student, precision)


def save_student(job: Job, student: PreTrainedModel, score: float, precision: Precision) -> dict[str, Any]:
    """Writes a trained student as a plain model with its tokenizer; its weights are rounded on the way.

    Args:
        job: of the student; its folder is written, and its development questions are asked once more.
        student: with the weights that were chosen.
        score: their development score.
        precision: in which matrices were multiplied while that was taken.

    Returns:
        For the record: `kept_score`, that development score; `saved_dtype`; `dtype_scores`, the one by number format of
        the weights; and, where the job asks for it, `retention` of the weights as they were chosen. What is not finite
        is left out.
    """
    exact = _name(student.dtype)
    retained = math.nan if job.retention is None else _taken(job.retention, job, student.eval(), precision)
    with atomic_files(job.folder) as written:
        job.tokenizer.save_pretrained(written)
        student.save_pretrained(written)
        round_to_bf16(student)
        rounded = development_score(job, student.eval(), precision)
        fits = rounded >= score
        if fits:
            student.to(torch.bfloat16).save_pretrained(written)  # type: ignore[arg-type]  # wrapped without its signature
    scores = {exact: score, _name(torch.bfloat16): rounded}
    return {
        "saved_dtype": _name(torch.bfloat16) if fits else exact,
        "dtype_scores": {name: found for name, found in scores.items() if math.isfinite(found)},
        **{name: found for name, found in {"kept_score": score, "retention": retained}.items() if math.isfinite(found)},
    }


@torch.no_grad()
def round_to_bf16(model: nn.Module) -> None:
    """Gives every weight, in its own number format, the value that bf16 has for it (to nearest, ties to even)."""
    for weight in model.state_dict().values():
        if weight.is_floating_point():
            weight.copy_(weight.to(torch.bfloat16))


def _taken(score: Score, job: Job, student: Any, precision: Precision) -> float:
    try:
        with autocast(precision, job.student.device):
            return score(student)
    except NotFiniteError:
        return math.nan


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
