"""What tests of Medusa-2 share: the questions as tokens, its training, and copies of weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from offbook.baselines.decoding.medusa.architecture import ARCHITECTURE
from offbook.baselines.decoding.medusa.network import MedusaHeads
from offbook.baselines.decoding.medusa.objective import DECAY
from offbook.baselines.distillation.medusa2.train import medusa2
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import encode_corpus
from tests.baselines.distillation_job import TOKENIZER, corpus

Tensors = dict[str, torch.Tensor]
QUESTIONS = encode_corpus(corpus(), TOKENIZER, max_length=400)
ARCHITECTURES = {"medusa": ARCHITECTURE}


def train(work: Job, build: Callable[[Any], MedusaHeads] = MedusaHeads) -> Path:
    """Medusa-2 on a job; `build` makes its heads."""
    return medusa2(work, replace(ARCHITECTURE, build=build), decay=DECAY)


def copied(module: nn.Module) -> Tensors:
    """The parameters as they are now."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def moved(before: Tensors, after: Tensors) -> float:
    """The largest step of a parameter."""
    return max(float((after[name] - before[name]).abs().max()) for name in before)
