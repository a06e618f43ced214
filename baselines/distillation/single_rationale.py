"""Fine-tuning on one golden rationale a question: what chain-of-thought distillation usually means (Std-CoT).

Equal gradient tokens make it pass over its one rationale as often as the other methods over their many. Which
perspective is the golden one is said, or found (`perspective: auto`): the one whose paths cost the untouched student
least on average over the questions. That is the fair rival of a method that selects by the same cost.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.learnability import Learnability
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.record import RECORD
from offbook.engine.students.train import train_student
from offbook.engine.students.untouched import of_cost, untouched_table
from offbook.engine.text import read_json

NAME = "single_rationale"
AUTO = "auto"
CHOSEN = "perspective"  # in the record's identity: the one that was found


class SingleRationaleOptions(Options):
    """What is learned of a question.

    Attributes:
        perspective: the golden one; "auto": the one that costs the untouched student least; without it, each
            question's first.
        criterion: that cost, beside "auto" alone; see `engine/students/learnability.py`.
    """

    perspective: Literal["auto"] | str | None = None
    criterion: Learnability | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.perspective == AUTO) != (self.criterion is not None):
            got = f"{self.perspective} and {self.criterion}"
            msg = f"expected a criterion beside perspective {AUTO} and nowhere else, got {got}; name both or none"
            raise ValueError(msg)
        return self

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: the perspective must have told every question; for "auto", one at least must have."""
        if self.perspective == AUTO:
            _complete(corpus)
        elif self.perspective is not None:
            _index(corpus, self.perspective)


def single_rationale(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: the perspective is not in the corpus, or a question lacks it; or every perspective lacks one.
    """
    options = read_options(job, SingleRationaleOptions)
    wanted = options.perspective
    options.check_corpus(job.corpus)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    if options.criterion is not None:
        job, wanted = _found(job, questions, options.criterion)
    golden = None if wanted is None else _index(job.corpus, wanted)

    def choose(paths: Paths) -> list[int]:
        return [golden] if golden is not None else [_first(paths)]

    return train_student(job, NAME, path_objective(questions, choose))


def _found(job: Job, questions: list[Paths], criterion: Learnability) -> tuple[Job, str]:
    """The perspective of the lowest mean cost, and the job that says so in its record."""
    names = job.corpus.perspectives
    if (job.folder / RECORD).is_file():  # finished: what it found stands there
        record = read_json(job.folder / RECORD, what="a student's record", remedy="choose another folder")
        told = record.get("identity", {}).get(CHOSEN) if isinstance(record, dict) else None
        if told in names:
            return replace(job, identity={**job.identity, CHOSEN: told}), told
    table = untouched_table(job, questions, names)
    costs_NK = of_cost(table.values, criterion)
    complete = _complete(job.corpus)
    means = {k: float(costs_NK[:, k].double().mean()) for k in complete}
    name = names[min(complete, key=lambda k: means[k])]
    job.report(0, job.config.gradient_tokens, f"{NAME}: lowest mean {criterion} of the untouched student: {name}")
    spent = job.prepared_s + table.wall_s
    return replace(job, identity={**job.identity, CHOSEN: name}, prepared_s=spent), name


def _complete(corpus: Corpus) -> list[int]:
    """The perspectives that have told every question."""
    found: list[int] = corpus.path_mask.all(dim=0).nonzero().flatten().tolist()
    if not found:
        msg = "expected a perspective with a rationale for every question, got none; choose another corpus"
        raise ValueError(msg)
    return found


def _first(paths: Paths) -> int:
    return next(k for k, response in enumerate(paths.responses) if response is not None)


def _index(corpus: Corpus, perspective: str) -> int:
    """The perspective's index, checked to be there for every question."""
    names = corpus.perspectives
    if perspective not in names:
        msg = (
            f"expected a perspective of the corpus ({', '.join(names)}), got {quoted(perspective)}; choose one of these"
        )
        raise ValueError(msg)
    index = names.index(perspective)
    missing = (~corpus.path_mask[:, index]).nonzero().flatten().tolist()
    if missing:
        msg = (
            f"expected a rationale from {quoted(perspective)} for every question, got none for "
            f"{corpus.questions[missing[0]].id} and {len(missing) - 1} more; choose another perspective"
        )
        raise ValueError(msg)
    return index
