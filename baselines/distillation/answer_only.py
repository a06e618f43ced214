"""Fine-tuning on the answer line alone, without a rationale: what a student learns of the form of an answer.

Questions are asked as for every method, so its students answer at once where others think first. It tells a gain in
form, and what the form costs elsewhere, from a gain in reasoning.
"""

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from offbook.engine.students.corpus import Corpus, close
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus, encode_text
from offbook.engine.students.train import train_student

NAME = "answer_only"


class AnswerOnlyOptions(Options):
    """There are none."""


def answer_only(job: Job) -> Path:
    """See `Distiller`."""
    read_options(job, AnswerOnlyOptions)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, path_objective(answers(job.corpus, questions, job.tokenizer), lambda _: [0]))


def answers(corpus: Corpus, questions: Sequence[Paths], tokenizer: PreTrainedTokenizerBase) -> list[Paths]:
    """Every question with its answer line as the only path."""
    told = []
    for question, paths in zip(corpus.questions, questions, strict=True):
        text, (start, end) = close("", question.answer)
        response = encode_text(text.lstrip(), (start - 1, end - 1), tokenizer)
        told.append(Paths(id=f"{paths.id}/answer", prompt=paths.prompt, responses=(response,)))
    return told
