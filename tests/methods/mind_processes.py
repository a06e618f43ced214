"""One process of a launch that trains a student by a method; `test_mind_processes.py` compares it with one alone.

accelerate launch --cpu --num_processes 2 -m tests.methods.mind_processes FOLDER METHOD [INTERRUPT]
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from offbook.baselines.distillation.uniform_rationales import uniform_rationales
from offbook.engine.students.config import StudentConfig
from offbook.engine.students.distiller import Job
from offbook.methods.mind.train import mind
from tests.methods.mind_corpus import TOKENIZER, mind_corpus, path_vectors
from tests.tiny import tiny_model

# Four questions in steps of three: a step's last share is one question, and leaves the second process without.
CONFIG = StudentConfig(gradient_tokens=900, questions_per_step=3, learning_rate=1e-3, evaluations=3, max_length=400)
MIND: dict[str, Any] = {"accumulation": 2, "meta_rate": 1e-2, "warmup_epochs": 2, "tau": 1.0, "beta": 0.9}
OPTIONS: dict[str, dict[str, Any]] = {
    "uniform": {},
    "uniform, adapters": {},
    "mind": MIND,
    "mind, random": MIND | {"scores": "random"},
    "cut": MIND,
}


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
        config=replace(CONFIG, lora_rank=4 if method == "uniform, adapters" else 0),
        folder=folder,
        identity={"model": "tiny", "encoder": "random"},
        score=score,
        options=OPTIONS[method],
    )
    return uniform_rationales(job) if method.startswith("uniform") else mind(job, path_vectors())


if __name__ == "__main__":
    assert os.environ["WORLD_SIZE"] == "2"
    for name in sys.argv[2:]:
        train(Path(sys.argv[1]) / name, name)
