"""One path a visit, drawn from all of a question's alike: several forms without any selection.

It draws by the number that MIND's sampled update draws by at the same visit of the same seed, so between the two stand
MIND's weights and nothing else.
"""

from pathlib import Path

from offbook.engine.students.distiller import Job, Options, read_options
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.train import train_student
from offbook.engine.students.visits import Visits, draw, drawn

NAME = "random_path"


class RandomPathOptions(Options):
    """There are none."""


def random_path(job: Job) -> Path:
    """See `Distiller`."""
    read_options(job, RandomPathOptions)
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    visits, place = Visits(len(questions)), {paths.id: n for n, paths in enumerate(questions)}

    def choose(paths: Paths) -> list[int]:
        there = [float(response is not None) for response in paths.responses]
        return [drawn(there, draw(job.config.seed, paths.id, visits.counts[place[paths.id]]))]

    return train_student(job, NAME, path_objective(questions, choose, visits=visits))
