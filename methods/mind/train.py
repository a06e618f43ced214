"""Trains a student with MIND: a warm-up of MetaNet alone, then student and MetaNet side by side (arXiv:2601.03717).

    warm-up   MetaNet alone is fitted to the untouched student's costs (`engine/students/untouched.py`)
    joint     `engine/students/train.py` with MIND's objective

Path vectors come from a frozen text encoder and are an argument here.

Legend: N questions, K perspectives, E width of a path vector.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from offbook.engine.students.distiller import Job, read_options
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.record import is_trained, training_fingerprint
from offbook.engine.students.train import train_student
from offbook.engine.students.untouched import of_cost, untouched_table
from offbook.methods.mind.objective import mind_objective
from offbook.methods.mind.options import MindOptions

NAME = "mind"


def mind(job: Job, vectors_NKE: torch.Tensor) -> Path:
    """Trains a student with MIND; a `Distiller` once the path vectors are given.

    Args:
        job: see `Job`. Its `identity` must name the encoder, for the vectors are not hashed.
        vectors_NKE: of every question and perspective of `job.corpus`, in its order; a missing path's may be anything.

    Raises:
        ValueError: see `Distiller`, or vectors that are not the corpus's.
    """
    options = read_options(job, MindOptions)
    expected = (len(job.corpus), len(job.corpus.perspectives))
    if vectors_NKE.dim() != 3 or vectors_NKE.shape[:2] != expected:
        msg = f"expected path vectors of shape {(*expected, 'E')}, got {tuple(vectors_NKE.shape)}; encode this corpus"
        raise ValueError(msg)
    options.check_corpus(job.corpus)
    fingerprint = training_fingerprint(job, NAME)
    if is_trained(job.folder, fingerprint):
        return job.folder
    names = options.perspectives or job.corpus.perspectives
    paths = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length, tagged=options.tagged)
    paths, vectors_NKE = _narrow(paths, vectors_NKE, job.corpus.perspectives, names)
    untouched = untouched_table(job, paths, names, tagged=options.tagged)
    device, costs_NK = job.student.device, of_cost(untouched.values, options.learnability)
    objective = mind_objective(paths, vectors_NKE.to(device), names, costs_NK.to(device), options, seed=job.config.seed)
    return train_student(replace(job, prepared_s=job.prepared_s + untouched.wall_s), NAME, objective)


def _narrow(
    paths: Sequence[Paths], vectors_NKE: torch.Tensor, names: Sequence[str], chosen: Sequence[str]
) -> tuple[list[Paths], torch.Tensor]:
    """Only the chosen perspectives, and only the questions that have one of them."""
    columns = [list(names).index(name) for name in chosen]
    narrow = [replace(question, responses=tuple(question.responses[k] for k in columns)) for question in paths]
    rows = [n for n, question in enumerate(narrow) if any(question.responses)]
    return [narrow[n] for n in rows], vectors_NKE[rows][:, columns].float()
