"""A trial as data: everything that decides a heat or an exam, known before anything is loaded.

A specification survives JSON, so any process can run it (`trials.run`), and its key is the hash of all its fields. The
cells that come of it have keys of their own, which hold what was found while it ran, such as a drafter's weights.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from offbook.harness.artifacts.recipes import DrafterRecipe, JointDrafterRecipe, ModelSpec, Recipe, TuningRecipe
from offbook.harness.records.origin import Origin
from offbook.harness.settings.bounds import EXAM_BATCH, EXAM_TOKENS, Number, Seed, Temperature, TopK, TopP
from offbook.tasks.exam_groups import Group

SEMANTICS = 1  # raise it when the harness asks, decodes or scores in another way
EXAM_SEMANTICS = 2  # the same of exams; from 2 on, scores by likelihood and divergence stand beside the answers


class _Trial(Recipe):
    """Its records tell the student's name, so that this is part of its key."""

    UNKEYED: ClassVar[frozenset[str]] = frozenset({"processes", "tries"})


class SamplingSpec(Recipe):
    """How tokens are drawn; temperature 0 is greedy."""

    temperature: Temperature = 0.0
    top_k: TopK = 0
    top_p: TopP = 1.0


class ArmSpec(Recipe):
    """A decoder in a heat.

    Attributes:
        decoder: of the roster.
        made_by: whose code it is, where it is none of this repository's.
        options: all of its own, defaults too.
        drafter: the recipe of one that the plan trains, alone or with a student, or the folder of another; None without
            any.
        drafter_sha256: of the weights in such a folder, or of the model that `options` name to draft.
        made_for: whom it was trained for, the checkpoint or the model that it was made of.
        layout: of the checkpoint's weights; "auto" is what the machine allows.
        tuning: the recipe of what cuts its rounds, which the plan makes, or the file of another; None where nothing
            does.
        tuning_sha256: of what stands in such a file.
    """

    decoder: str
    made_by: Origin | None = None
    options: dict[str, JsonValue] = Field(default={})
    drafter: DrafterRecipe | JointDrafterRecipe | str | None = None
    drafter_sha256: str | None = None
    made_for: Literal["target", "base"] = "target"
    layout: str = "auto"
    tuning: TuningRecipe | str | None = Field(default=None, exclude_if=lambda tuning: tuning is None)
    tuning_sha256: str | None = Field(default=None, exclude_if=lambda sha256: sha256 is None)


class AskedSpec(Recipe):
    """A suite as a trial asks it.

    Attributes:
        name: of the task.
        asked_as: the name that finds it, which may be its group's.
        sha256: of the files that decide what it asks and how it scores.
        group: of an exam's suite, what its accuracy is pooled into.
        limit: of an exam's suite, documents from the first, in place of the exam's own; None for that.
    """

    name: str
    asked_as: str
    sha256: str
    group: Group | None = None
    limit: Number | None = Field(default=None, exclude_if=lambda limit: limit is None)


class HeatSpec(_Trial):
    """All arms of one (checkpoint, suite, sampling, seed).

    Attributes:
        model: the checkpoint.
        arms: contenders.
        suite: what is asked.
        include_path: a folder with more suites.
        limit: documents, from the first; None for all.
        max_new_tokens: cap on an answer; None for each document's own.
        sampling: how tokens are drawn.
        seed: of every random number.
        chat_template: whether prompts go through it; None where there is one.
        semantics: of the harness.
    """

    kind: Literal["heat"] = "heat"
    model: ModelSpec
    arms: Annotated[tuple[ArmSpec, ...], Field(min_length=1)]
    suite: AskedSpec
    include_path: str | None = None
    limit: Number | None = None
    max_new_tokens: Number | None = None
    sampling: SamplingSpec = SamplingSpec()
    seed: Seed = 0
    chat_template: bool | None = None
    semantics: int = SEMANTICS

    @property
    def title(self) -> str:
        """For people."""
        student = self.model.student
        who = "" if student is None else f" by {student.name}, seed {student.seed}"
        return f"{self.suite.name} at temperature {self.sampling.temperature:g}{who}"


class ExamSpec(_Trial):
    """One checkpoint, greedy and in batches, on all suites of an exam.

    Attributes:
        model: the checkpoint.
        suites: what is asked.
        include_path: a folder with more suites.
        limit: documents of each suite, from the first; None for all.
        max_new_tokens: cap on an answer; None for each document's own.
        batch_size: documents answered at once.
        layout: of the checkpoint's weights; "auto" is the fastest for answers side by side that the machine allows.
        semantics: of the harness.
    """

    kind: Literal["exam"] = "exam"
    model: ModelSpec
    suites: Annotated[tuple[AskedSpec, ...], Field(min_length=1)]
    include_path: str | None = None
    limit: Number | None = None
    max_new_tokens: Number | None = EXAM_TOKENS
    batch_size: Number = EXAM_BATCH
    layout: str = "auto"
    semantics: int = EXAM_SEMANTICS

    @property
    def title(self) -> str:
        """For people."""
        student = self.model.student
        return (
            f"exam of {self.model.name}, untouched"
            if student is None
            else f"exam of {student.name}, seed {student.seed}"
        )
