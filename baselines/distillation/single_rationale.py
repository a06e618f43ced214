"""Fine-tuning on one golden rationale a question: what chain-of-thought distillation usually means (Std-CoT).

Equal gradient tokens make it pass over its one rationale as often as the other methods over their many.
"""

from pathlib import Path

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.train import train_student

NAME = "single_rationale"


class SingleRationaleOptions(Options):
    """`perspective` is the golden one; without it, each question's first."""

    perspective: str | None = None

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: the perspective must have told every question."""
        if self.perspective is not None:
            _index(corpus, self.perspective)


def single_rationale(job: Job) -> Path:
    """See `Distiller`.

    Raises:
        ValueError: the perspective is not in the corpus, or a question lacks it.
    """
    wanted = read_options(job, SingleRationaleOptions).perspective
    golden = None if wanted is None else _index(job.corpus, wanted)

    def choose(paths: Paths) -> list[int]:
        return [golden] if golden is not None else [_first(paths)]

    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, path_objective(questions, choose))


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
