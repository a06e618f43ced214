"""The heads that were trained with a student, as `medusa`'s drafter for this very student.

It lies in a folder below the student's, and is bound to the student's weights as every drafter is to its target's. The
tree grows from how often each guess is right in the student's own answers to the development questions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftData
from offbook.engine.drafters.checkpoint import TargetName, save_drafter
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.features import Features
from offbook.engine.drafters.train import rank_accuracy
from offbook.engine.pretrained import load, weights_sha256
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import Paths
from offbook.engine.trained_on import FILE, write_trained_on


@dataclass(frozen=True, kw_only=True)
class JointDrafter:
    """The heads with what their checkpoint says of them.

    Attributes:
        method: with which the student is trained.
        heads: their architecture.
        network: the heads.
        layer: their sizes.
        token_ids: of the draft vocabulary.
        told: every response, by its name among a training's sequences.
    """

    method: str
    heads: DraftArchitecture
    network: nn.Module
    layer: DraftConfig
    token_ids: torch.Tensor
    told: dict[str, Answer]

    def save(self, job: Job, sequences: Sequence[str]) -> list[str]:
        """Writes the checkpoint; the names of its files in the student's folder. See `Companion`."""
        folder, budget = job.folder / self.heads.name, job.config.gradient_tokens
        job.report(budget, budget, f"{self.method} measures its heads on the student's own answers")
        student, _ = load(str(job.folder), device=job.student.device)
        answers = [
            Answer(id=str(i), prompt_tokens=tuple(prompt), answer_tokens=tuple(answer))
            for i, (prompt, answer) in enumerate(job.answers(student))
        ]
        backbone = Backbone(student)
        training = {
            "trained_with": self.method,
            "options": job.told_options(),
            "answer_tokens": sum(len(self.told[name].answer_tokens) for name in sequences),
            "rank_accuracy": self.accuracy(backbone, answers),
            "trained_on": write_trained_on(folder, [question.question for question in job.corpus.questions]),
        }
        save_drafter(
            folder,
            self.network,
            self.token_ids,
            layer=self.layer,
            architecture=self.heads.name,
            target=TargetName(name=f"{self.method} student", weights_sha256=weights_sha256(str(job.folder))),
            vocab_size=backbone.embedding_VH.shape[0],
            training=training,
        )
        return [f"{folder.name}/{name}" for name in (FILE, "config.json", "model.safetensors")]

    def accuracy(self, backbone: Backbone, answers: Sequence[Answer]) -> list[list[float]] | None:
        """How often the r-th guess of each head is right in a student's answers; None where there are none."""
        sequences = [[*answer.prompt_tokens, *answer.answer_tokens] for answer in answers]
        features = Features(backbone, sequences, None, target=self.method)
        data = DraftData(answers, sequences, features, self.token_ids, backbone.embedding_VH)
        head = DraftHead(backbone.head_VH, self.token_ids)
        return rank_accuracy(self.network, self.heads, data, range(len(answers)), head, TrainingConfig())


def told_by(questions: Sequence[Paths]) -> dict[str, Answer]:
    """Every response as an answer to its question, by its name among a training's sequences."""
    found = {}
    for paths in questions:
        for k, response in enumerate(paths.responses):
            if response is not None:
                name = f"{paths.id}/{k}"
                found[name] = Answer(id=name, prompt_tokens=paths.prompt, answer_tokens=response.tokens)
    return found
