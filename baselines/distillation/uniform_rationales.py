"""Fine-tuning on all rationales of a question alike: MIND without fusion (α = 1/K, no consistency).

What MIND adds is whatever it gains over this, at equal gradient tokens.
"""

from pathlib import Path

from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.train import train_student

NAME = "uniform_rationales"


class UniformRationalesOptions(Options):
    """There are none."""


def uniform_rationales(job: Job) -> Path:
    """See `Distiller`."""
    read_options(job, UniformRationalesOptions)

    def choose(paths: Paths) -> list[int]:
        return [k for k, response in enumerate(paths.responses) if response is not None]

    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    return train_student(job, NAME, path_objective(questions, choose))
