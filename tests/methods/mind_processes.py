"""One process of a launch that trains a student by a method; `test_mind_processes.py` compares it with one alone.

accelerate launch --cpu --num_processes 2 -m tests.methods.mind_processes FOLDER METHOD [INTERRUPT]
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from offbook.baselines.distillation.uniform_rationales import uniform_rationales
from offbook.engine.students.companion import Companion
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.distiller import Job
from offbook.engine.students.path_objective import path_objective
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.engine.students.replay import ReplayItem
from offbook.engine.students.train import QuestionLoss, train_student
from offbook.engine.tensor_file import write_tensors
from offbook.methods.mind.train import mind
from tests.methods.mind_corpus import TOKENIZER, mind_corpus, path_vectors
from tests.tiny import tiny_model

# Four questions in steps of three: a step's last share is one question, and leaves the second process without.
CONFIG = StudentConfig(gradient_tokens=900, questions_per_step=3, learning_rate=1e-3, evaluations=3, max_length=400)
MIND: dict[str, Any] = {"accumulation": 2, "meta_rate": 1e-2, "warmup_epochs": 2, "tau": 1.0, "beta": 0.9}
COMPANION = "beside/network.safetensors"
OPTIONS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "uniform, adapters": {},
    "uniform, replayed": {},
    "mind": MIND,
    "mind, random": MIND | {"scores": "random"},
    "cut": MIND,
    "companion": {},
}


REPLAYED = [ReplayItem(id=f"r{n}", prompt=(n, 7, 8), tokens=(n + 1, n + 2, 257)) for n in range(3)]


class BrokenOffError(Exception):
    """Stands for Ctrl-C."""


def train(folder: Path, method: str) -> Path:
    """Trains into `folder`; "cut" breaks off at its second development score, unless it goes on from there."""
    breaks, scores = method == "cut" and not (folder / "state").exists(), iter(range(100))

    def score(_: Any) -> float:
        number = next(scores)
        if breaks and number == 1:
            raise BrokenOffError
        return float(number)

    job = Job(
        student=tiny_model(),
        tokenizer=TOKENIZER,
        corpus=mind_corpus(),
        config=replace(
            CONFIG,
            lora_rank=4 if method == "uniform, adapters" else 0,
            replay=0.3 if method == "uniform, replayed" else 0.0,
        ),
        replay=REPLAYED,
        folder=folder,
        identity={"model": "tiny", "encoder": "random"},
        score=score,
        options=OPTIONS[method],
    )
    if method == "companion":
        return with_companion(job)
    return uniform_rationales(job) if method.startswith("uniform") else mind(job, path_vectors())


def with_companion(job: Job) -> Path:
    """Fine-tuning beside a network that learns to tell questions by their prompts' mean embedding, at first alone."""
    questions = encode_corpus(job.corpus, job.tokenizer, max_length=job.config.max_length)
    torch.manual_seed(1)
    network = torch.nn.Linear(32, len(questions))

    def save(sequences: Sequence[str]) -> list[str]:
        write_tensors(job.folder / COMPANION, dict(network.named_parameters()))
        return [COMPANION]

    plain = path_objective(questions, Paths.present)

    def loss(student: Any, question: int, done: float) -> QuestionLoss:
        embedding_VH = student.get_input_embeddings().weight.detach()
        mean_H = embedding_VH[list(questions[question].prompt)].mean(dim=0)
        own = torch.nn.functional.cross_entropy(network(mean_H), torch.tensor(question))
        if done < 0.3:
            return QuestionLoss(loss=own, gradient_tokens=60, sequences=[f"q{question}/0"])
        part = plain.loss(student, question, done)
        return replace(part, loss=part.loss + own)

    companion = Companion(network=network, save=save, rate=4.0, alone=0.3)
    return train_student(job, "companion", replace(plain, loss=loss, companion=companion))


if __name__ == "__main__":
    assert os.environ["WORLD_SIZE"] == "2"
    for name in sys.argv[2:]:
        train(Path(sys.argv[1]) / name, name)
