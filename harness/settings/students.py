"""The distillation half of a profile: which students are made of which corpus, and which exam they sit."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from offbook.engine.quoting import quoted
from offbook.harness.settings.strict import Name, Names, Strict

Group = Literal["id", "ood"]
Rows = Literal["corpus", "rationale_rows"]
PROCEDURAL = "procedural"


class CorpusSpec(Strict):
    """What students learn from.

    Attributes:
        source: "procedural" (the embedded teacher's rationales), or a file in JSON Lines; a relative path is looked up
            in the current folder, then in the folder OFFBOOK_DATA names.
        format: of a file: "corpus" (`engine.students.corpus`) or "rationale_rows" (`tasks.rationales.synthesis`).
        questions: to train on, from the first; those that overlap a test set are left out and not counted.
        dev_questions: for the development score: procedural ones of the split dev, or the file's next ones.
        perspectives: of rationale rows, how many to keep, those with the most rationales.
    """

    source: Name = PROCEDURAL
    format: Rows = "corpus"
    questions: int = Field(default=256, ge=1)
    dev_questions: int = Field(default=70, ge=1)
    perspectives: int = Field(default=8, ge=1)


class StudentTrainingSpec(Strict):
    """How students are trained; what is left out keeps the default of `engine.students.distiller.StudentConfig`."""

    gradient_tokens: int | None = Field(default=None, ge=1)
    questions_per_step: int | None = Field(default=None, ge=1)
    tokens_per_step: int | None = Field(default=None, ge=0)
    learning_rate: float | None = Field(default=None, gt=0)
    warmup: float | None = Field(default=None, ge=0, lt=1)
    clip_norm: float | None = Field(default=None, gt=0)
    evaluations: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=8)
    lora_rank: int | None = Field(default=None, ge=0, le=2**16)
    mixed_precision: Literal["auto", "no", "bf16"] | None = None


class StudentSpec(Strict):
    """One student: a method with its own settings, which win over those of all students.

    `models` names the base models it is made of; none named: all.
    """

    method: Name
    options: dict[str, JsonValue] = Field(default={})
    training: StudentTrainingSpec = StudentTrainingSpec()
    seeds: int | None = Field(default=None, ge=1)
    processes: int | None = Field(default=None, ge=1)
    models: Names = ()


class CrossSpec(Strict):
    """The cross of students and decoders.

    Attributes:
        students: by name, their seed 0; the untouched model is always beside them.
        decoders: of the roster; those with a drafter also run on each student with the base model's.
        suites: the cap on new tokens by suite.
        limit: documents of each suite, from the first.
    """

    students: Names
    decoders: Names
    suites: dict[Name, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    limit: int = Field(default=12, ge=1)


class StudentsSpec(Strict):
    """All students of a profile and their exam.

    Attributes:
        models: base models; none named: the profile's.
        corpus: see `CorpusSpec`.
        methods: students by the name that the tables give them. The untouched model is always examined beside them.
        training: of all students.
        seeds: training seeds 0, 1, ... of each.
        processes: of a training, through accelerate; on GPUs, one each.
        encoder: reads rationales for methods that score them (`engine.students.text_encoder`).
        suites: suites or groups of suites, by what their accuracy is pooled into.
        limit: documents of each suite, from the first; None for all.
        max_new_tokens: cap on an answer.
        batch_size: documents answered at once.
        cross: decoders on some of the students.
    """

    models: Names = ()
    corpus: CorpusSpec = CorpusSpec()
    methods: dict[Name, StudentSpec] = Field(min_length=1)
    training: StudentTrainingSpec = StudentTrainingSpec()
    seeds: int = Field(default=3, ge=1)
    processes: int = Field(default=1, ge=1)
    encoder: Name = "all-minilm-l6-v2"
    suites: dict[Group, Names] = Field(min_length=1)
    limit: int | None = Field(default=None, ge=1)
    max_new_tokens: int = Field(default=128, ge=1)
    batch_size: int = Field(default=64, ge=1)
    cross: CrossSpec | None = None

    @model_validator(mode="after")
    def _names(self) -> "StudentsSpec":
        strangers = [name for name in self.cross.students if name not in self.methods] if self.cross else []
        bases = {model for student in self.methods.values() for model in student.models}
        if self.models and (unknown := sorted(bases - set(self.models))):
            stranger = quoted(unknown[0])
            msg = f"expected students of the models {', '.join(self.models)}, got one of {stranger}; add it there"
            raise ValueError(msg)
        if self.cross and self.models:
            msg = "cross: expected the profile's own model, got other models; leave them out, or the cross"
            raise ValueError(msg)
        if strangers:
            msg = (
                f"cross: expected students of {', '.join(self.methods)}, got {quoted(strangers[0])}; add it to methods"
            )
            raise ValueError(msg)
        if "untouched" in self.methods:
            msg = "expected no student named 'untouched', got one: that is the base model, which is always examined"
            raise ValueError(msg)
        return self
