"""Distilling step-by-step (Hsieh et al., Findings of ACL 2023): label and rationale as two tasks of one student.

    L = L_label + λ L_rationale

The original tells the tasks apart by prefixes of a T5; a chat model gets two instructions. Ours: the rationale task
carries the answer line, because the suites ask for a rationale that ends in the answer.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import nn

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.students.branches import lay_out, mean_weights
from offbook.engine.students.corpus import Corpus, close
from offbook.engine.students.distiller import Job, Options, read_options
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

    def loss(student: nn.Module, question: int, done: float) -> QuestionLoss:
        paths = rationales[question]
        k, response = next((k, r) for k, r in enumerate(paths.responses) if r is not None)
        label_prompt, label = labels[question]
        device = next(student.parameters()).device
        parts = []
        for prompt, target in ((label_prompt, label), (paths.prompt, response)):
            branches = lay_out(prompt, [target], device)
            parts.append(predict(student, branches).loss(branches.targets_N, mean_weights(branches)).loss)
        return QuestionLoss(
            loss=parts[0] + options.rationale_weight * parts[1],
            gradient_tokens=len(label.tokens) + len(response.tokens),
            sequences=[f"{paths.id}/label", f"{paths.id}/{k}"],
        )

    return Objective(questions=len(rationales), loss=loss)


def label_task(corpus: Corpus, index: int, job: Job) -> tuple[tuple[int, ...], Response]:
    """Prompt and response of the label task."""
    question = corpus.questions[index]
    text, span = close("", question.answer)
    prompt = tuple(chat_tokens(job.tokenizer, LABEL_INSTRUCTION.format(question=question.question)))
    return prompt, encode_text(text.lstrip(), (span[0] - 1, span[1] - 1), job.tokenizer)
