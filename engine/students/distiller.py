"""The seam of distillation: a student, a rationale corpus and a config in; a checkpoint and a training record out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.complaints import complaint
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.precision import MixedPrecision

Score = Callable[[PreTrainedModel], float]
Report = Callable[[int, int, str], object]


class Options(BaseModel):
    """A method's own settings; each method derives its own and unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def check_corpus(self, corpus: Corpus) -> None:
        """Refuses a corpus that cannot be learned from under these settings, before any model is there.

        Raises:
            ValueError: what is missing.
        """


O = TypeVar("O", bound=Options)


@dataclass(frozen=True, kw_only=True)
class StudentConfig:
    """How a student is trained, the same for every method.

    Attributes:
        gradient_tokens: budget: response tokens whose loss is differentiated, counted each time. Training ends with
            the step that reaches it, so methods are compared at equal gradient tokens.
        questions_per_step: questions an optimiser step takes at once; with several processes, a multiple of them.
        tokens_per_step: a step goes on taking questions until it has so many gradient tokens, or the budget is spent,
            so that a method with one path a question makes about as many steps as one with many, as far as a single
            question of many does not exceed it; 0: it takes questions once.
        learning_rate: peak; linear warm-up, then cosine to zero, both over the budget.
        warmup: share of the budget.
        clip_norm: bound on the gradient's norm.
        evaluations: how often the development score is taken, evenly over the budget; the best checkpoint is kept.
        max_length: a question with its longest rationale may have so many tokens.
        lora_rank: rank of LoRA on every linear layer (arXiv:2106.09685); 0 trains all weights.
        mixed_precision: "bf16" multiplies matrices in bfloat16 (weights, gradients and sums stay fp32); "no" does not;
            "auto" does where the machine has bfloat16 in hardware (`precision.py`).
        seed: of order, adapters, dropout and whatever the method draws.
    """

    gradient_tokens: int = 40_000
    questions_per_step: int = 8
    tokens_per_step: int = 0
    learning_rate: float = 1e-4
    warmup: float = 0.05
    clip_norm: float = 1.0
    evaluations: int = 3
    max_length: int = 640
    lora_rank: int = 0
    mixed_precision: MixedPrecision = "no"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One student to be trained by one method.

    Attributes:
        student: the untouched model, the job's own to change.
        tokenizer: its tokenizer.
        corpus: questions with rationales.
        config: the common settings.
        options: the method's own settings by name.
        told: the settings as records and fingerprints tell them, without private paths; by default as they are.
        folder: becomes the student's folder, loadable like any model.
        identity: what else determines the result (base model's hash, corpus' hash), written into the record.
        score: development score of a student in memory, higher is better.
        report: is told (gradient tokens done, budget, message).
        cache: folder of tables that trainings of one base model and corpus share; None: each makes its own.
        machine: describes, at the training's end, the machine it ran on, for the record.
        prepared_s: seconds spent on what is made once for a base model and corpus, by whichever training made it.
    """

    student: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    corpus: Corpus
    config: StudentConfig
    folder: Path
    identity: Mapping[str, str]
    score: Score
    options: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] | None = None
    report: Report = lambda done, total, message: None
    cache: Path | None = None
    machine: Callable[[], Mapping[str, Any]] = dict
    prepared_s: float = 0.0

    def told_options(self) -> dict[str, Any]:
        """See `told`."""
        return dict(self.options if self.told is None else self.told)


class Distiller(Protocol):
    """One way to make a student from a corpus."""

    def __call__(self, job: Job) -> Path:
        """Trains the student into `job.folder` and returns it; an interrupted job goes on, a finished one is kept.

        Raises:
            ValueError: an option the method does not know, a corpus it cannot use, or a folder with another training.
        """
        ...


def read_options(job: Job, kind: type[O]) -> O:
    """The job's options as the method's settings; see `checked_options`."""
    return checked_options(job.options, kind)


def checked_options(options: Mapping[str, Any], kind: type[O]) -> O:
    """Options as a method's settings.

    Raises:
        ValueError: a setting the method does not have, or a value it cannot take.
    """
    plain = dict(options)
    try:
        return kind.model_validate_json(json.dumps(plain))  # as JSON, in which a list fills a tuple
    except ValidationError as error:
        known = ", ".join(kind.model_fields) or "none"
        told = complaint(error, plain).told("options")
        msg = f"{told}; the method's settings are: {known}"
        raise ValueError(msg) from error
