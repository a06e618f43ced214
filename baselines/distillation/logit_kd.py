"""Logit distillation (Hinton et al. 2015, arXiv:1503.02531): the student learns a larger teacher's distributions.

    L = α · T² · KL(p‖q) + (1 - α) · CE      p, q: softmax of the teacher's and of the student's logits, both over T

It is taken at every token of the corpus's rationales; T² keeps the gradient's size whatever T is. Ours: T = 1 and
α = ½ by default, as is usual for language models; all rationales of a question count alike. Families pad their logits
to different widths over one vocabulary (Qwen2.5); ids beyond the narrower name no token, and are left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.pretrained import load, weights_sha256
from offbook.engine.students.branches import branch_attention, lay_out, mean_weights
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.precision import precision_of
from offbook.engine.students.predictions import predict
from offbook.engine.students.record import is_trained, training_fingerprint
from offbook.engine.students.train import Objective, QuestionLoss, train_student

NAME = "logit_kd"


class LogitKdOptions(Options):
    """`teacher` is an alias, a folder or a Hugging Face id; `temperature` is T, `alpha` α."""

    teacher: Annotated[str, Field(min_length=1)]
    temperature: Annotated[float, Field(gt=0)] = 1.0
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.5


def logit_kd(job: Job) -> Path:
    """See `Distiller`. The hash of the teacher's weights joins the job's identity.

    Raises:
        ValueError: a teacher that is out of reach, or has another vocabulary than the student.
    """
    options = read_options(job, LogitKdOptions)
    job = replace(job, identity={**job.identity, "teacher": weights_sha256(options.teacher)})
    if is_trained(job.folder, training_fingerprint(job, NAME)):
        return job.folder
    used = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    dtype = torch.bfloat16 if used == "bf16" else job.student.dtype
    teacher, tokenizer = load(options.teacher, dtype=dtype, device=job.student.device)
    Backbone(teacher).use_native_attention()  # refuses what would not say the same over branches
    check_vocabulary(options.teacher, tokenizer, job.tokenizer)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, logit_kd_objective(questions, teacher, options))


def check_vocabulary(name: str, teacher: PreTrainedTokenizerBase, student: PreTrainedTokenizerBase) -> None:
    """Every token has the same id in both.

    Raises:
        ValueError: one has another, or is missing.
    """
    theirs, ours = teacher.get_vocab(), student.get_vocab()
    if theirs != ours:
        odd = min(token for token in theirs.keys() | ours.keys() if theirs.get(token) != ours.get(token))
        msg = (
            f"teacher {name}: expected the student's vocabulary ({len(ours)} tokens), got another ({len(theirs)} "
            f"tokens, {odd!r} differs); choose a teacher of the student's family"
        )
        raise ValueError(msg)


def logit_kd_objective(questions: Sequence[Paths], teacher: PreTrainedModel, options: LogitKdOptions) -> Objective:
    """Logit distillation over these questions; a token counts once, though both terms differentiate it."""

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        paths = questions[question]
        present = paths.present()
        branches = lay_out(paths.prompt, paths.some(present), next(student.parameters()).device)
        with torch.no_grad(), branch_attention(teacher):
            wanted = predict(teacher, branches)
        weights_N = mean_weights(branches)
        found = predict(student, branches).loss(
            branches.targets_N,
            (1 - options.alpha) * weights_N,
            teacher=wanted,
            divergence_weights_N=options.alpha * options.temperature**2 * weights_N,
            temperature=options.temperature,
        )
        divergence, entropy = ((weights_N * each_N).sum() for each_N in (found.divergence_N, found.nll_N))
        return QuestionLoss(
            loss=found.loss,
            gradient_tokens=branches.starts[-1],
            sequences=[f"{paths.id}/{k}" for k in present],
            log={"divergence": float(divergence), "cross_entropy": float(entropy)},
        )

    return Objective(questions=len(questions), loss=loss)
