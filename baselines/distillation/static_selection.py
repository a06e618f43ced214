"""Each question's one path that costs the untouched student least: selection without learning to score.

It is what MIND would choose if the student never changed and scores had not to be learned, at the same signal. What
MIND adds to a signal is whatever it gains over this.
"""

from dataclasses import replace
from pathlib import Path

from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.learnability import Learnability
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.record import is_trained, training_fingerprint
from offbook.engine.students.train import train_student
from offbook.engine.students.untouched import of_cost, untouched_table

NAME = "static_selection"


class StaticSelectionOptions(Options):
    """`learnability` names the cost, see `engine/students/learnability.py`; of equal ones the first path is taken."""

    learnability: Learnability = "answer"


def static_selection(job: Job) -> Path:
    """See `Distiller`."""
    options = read_options(job, StaticSelectionOptions)
    if is_trained(job.folder, training_fingerprint(job, NAME)):
        return job.folder
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    table = untouched_table(job, questions, job.corpus.perspectives)
    costs_NK = of_cost(table.values, options.learnability).nan_to_num(nan=float("inf"))
    cheapest = dict(zip((paths.id for paths in questions), costs_NK.argmin(dim=1).tolist(), strict=True))

    def choose(paths: Paths) -> list[int]:
        return [cheapest[paths.id]]

    spent = replace(job, prepared_s=job.prepared_s + table.wall_s)
    return train_student(spent, NAME, path_objective(questions, choose))
