"""Fine-tuning on the equations of a rationale and the answer line, nothing else (after EoTD, arXiv:2401.11864).

Equations suit students below a billion parameters; what words add to them is what other methods gain over this. Ours:
they are read off a corpus's rationales, where EoTD's teacher writes them and a solver finds the answer.
"""

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import Corpus, Question, close
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus, encode_text
from offbook.engine.students.train import train_student
from offbook.tasks.rationales.equalities import equalities, value

NAME = "equation_only"


class EquationOnlyOptions(Options):
    """There are none."""

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: some rationale of every question must state an equation in numbers."""
        for question in corpus.questions:
            equations_of(question)


def equation_only(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: a question without an equation in any rationale.
    """
    read_options(job, EquationOnlyOptions)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, path_objective(equations(job.corpus, questions, job.tokenizer), lambda _: [0]))


def equations(corpus: Corpus, questions: Sequence[Paths], tokenizer: PreTrainedTokenizerBase) -> list[Paths]:
    """Every question with its equations and the answer line as the only path.

    Raises:
        ValueError: see `equations_of`.
    """
    told = []
    for question, paths in zip(corpus.questions, questions, strict=True):
        text, span = close("\n".join(equations_of(question)), question.answer)
        response = encode_text(text, span, tokenizer)
        told.append(Paths(id=f"{paths.id}/equations", prompt=paths.prompt, responses=(response,)))
    return told


def equations_of(question: Question) -> list[str]:
    """The equations of the first rationale that has any, each once, in order but for the answer's, which comes last.

    Raises:
        ValueError: none has one.
    """
    for rationale in question.rationales:
        if found := [equality for equality in equalities(rationale.text) if equality.holds]:
            found.sort(key=lambda equality: equality.result == value(question.answer))
            return list(dict.fromkeys(equality.text for equality in found))
    msg = (
        f"question {quoted(question.id)}: expected an equation in numbers in one of its rationales for {NAME}, got "
        "none; leave the question out, or choose another method"
    )
    raise ValueError(msg)
