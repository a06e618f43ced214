"""Trains a student and Medusa's heads on it: the heads alone, then both together (arXiv:2401.10774, section 2.2.2).

The heads learn at a multiple of the student's rate; both stages have a warm-up and a schedule. Ours: the first stage is
a share of the budget, where the paper has epochs. The heads are those of decoder `medusa`, whose drafter they become
(`drafter.py`); they choose among the most frequent tokens of the rationales.
"""

import functools
from dataclasses import replace
from pathlib import Path

import torch

from offbook.baselines.distillation.medusa2.drafter import JointDrafter, told_by
from offbook.baselines.distillation.medusa2.objective import medusa2_objective, untouched_law
from offbook.baselines.distillation.medusa2.options import Medusa2Options
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import draft_config
from offbook.engine.drafters.vocabulary import draft_vocabulary
from offbook.engine.students.companion import Companion
from offbook.engine.students.distiller import Job, read_options
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.record import is_trained, training_fingerprint
from offbook.engine.students.train import train_student

NAME = "medusa2"


def medusa2(job: Job, heads: DraftArchitecture, *, decay: float) -> Path:
    """Trains a student with Medusa-2; a `Distiller` once the heads are given.

    Args:
        job: see `Job`.
        heads: the architecture of `medusa`'s drafter.
        decay: λ, by which that weighs the heads' losses.

    Raises:
        ValueError: see `Distiller`.
    """
    options = read_options(job, Medusa2Options)
    if is_trained(job.folder, training_fingerprint(job, NAME)):
        return job.folder
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    backbone = Backbone(job.student)
    backbone.use_native_attention()
    vocab_size, layers = backbone.embedding_VH.shape[0], int(backbone.config.num_hidden_layers)
    told, size = told_by(questions), min(options.draft_vocab_size, vocab_size)
    token_ids = draft_vocabulary([*told.values()], size=size, vocab_size=vocab_size)
    layer = heads.sized(draft_config(backbone), layers=layers, draft_vocab_size=size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.config.seed)
        network = heads.build(layer)
    drafter = JointDrafter(method=NAME, heads=heads, network=network, layer=layer, token_ids=token_ids, told=told)
    companion = Companion(
        network=network,
        save=functools.partial(drafter.save, job),
        rate=options.heads_rate,
        alone=options.heads_alone,
    )
    untouched = untouched_law(job) if options.self_distillation else None
    objective = medusa2_objective(questions, network, heads, token_ids, options, decay=decay, untouched=untouched)
    return train_student(job, NAME, replace(objective, companion=companion))
