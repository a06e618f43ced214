"""Distilling step-by-step (Hsieh et al., Findings of ACL 2023): label and rationale as two tasks of one student.

    L = L_label + λ L_rationale

The original tells the tasks apart by prefixes of a T5; a chat model gets two instructions. Ours: the rationale task
carries the answer line, because the suites ask for a rationale that ends in the answer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.students.branches import lay_out_questions, rows_of, token_weights
from offbook.engine.students.corpus import Corpus, close
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.objective import PackedLoss, QuestionLosses
from offbook.engine.students.paths import Response, encode_corpus, encode_text
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import Objective, QuestionLoss, train_student

NAME = "step_by_step"
LABEL_INSTRUCTION = "{question}\n\nReply with nothing but a line that reads: The answer is ..."


class StepByStepOptions(Options):
    """`rationale_weight` is λ."""

    rationale_weight: Annotated[float, Field(ge=0)] = 1.0


def step_by_step(job: Job) -> Path:
    """See `Distiller`; learns from each question's first rationale."""
    options = read_options(job, StepByStepOptions)
    return train_student(job, NAME, step_by_step_objective(job, options))


def step_by_step_objective(job: Job, options: StepByStepOptions) -> Objective:
    """Both tasks of every question in one step."""
    rationales = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    labels = [label_task(job.corpus, i, job) for i in range(len(job.corpus))]

    def tasks(question: int) -> list[tuple[tuple[int, ...], list[Response]]]:
        """Label first; each a prompt with its response."""
        paths, (label_prompt, label) = rationales[question], labels[question]
        return [(label_prompt, [label]), (paths.prompt, paths.some(paths.present()[:1]))]

    def rows(question: int, done: float) -> int:
        return sum(rows_of(*task) for task in tasks(question))

    def together(student: nn.Module, some: Sequence[int], done: float) -> QuestionLosses:
        laid = [tasks(question) for question in some]
        branches = lay_out_questions([task for two in laid for task in two], next(student.parameters()).device)
        shares = torch.tensor([1.0, options.rationale_weight] * len(some), device=branches.targets_N.device)
        found = predict(student, branches).question_losses(branches, token_weights(shares, branches))
        return QuestionLosses(
            loss=found.loss,
            questions=[
                QuestionLoss(
                    loss=found.questions[2 * place] + found.questions[2 * place + 1],
                    gradient_tokens=sum(len(response.tokens) for _, (response,) in laid[place]),
                    sequences=[f"{paths.id}/label", f"{paths.id}/{paths.present()[0]}"],
                )
                for place, paths in enumerate(rationales[question] for question in some)
            ],
        )

    return Objective(questions=len(rationales), loss=PackedLoss(together=together, rows=rows))


def label_task(corpus: Corpus, index: int, job: Job) -> tuple[tuple[int, ...], Response]:
    """Prompt and response of the label task."""
    question = corpus.questions[index]
    text, span = close("", question.answer)
    prompt = tuple(chat_tokens(job.tokenizer, LABEL_INSTRUCTION.format(question=question.question)))
    return prompt, encode_text(text.lstrip(), (span[0] - 1, span[1] - 1), job.tokenizer)
