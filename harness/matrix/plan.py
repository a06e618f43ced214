"""A matrix file as a graph of stages: what has to be made and measured, with keys, before anything is loaded.

An artifact's key is the hash of its recipe, a trial's the hash of its specification. Recipes stand inside of each other
(a heat's arm holds its drafter's, that its answers', those their student's), so a key says all that lies behind it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offbook.harness.artifacts.recipes import DrafterRecipe, ModelSpec, StudentRecipe, TuningRecipe
from offbook.harness.matrix.graph import Graph, Kind, Stage
from offbook.harness.matrix.specs import Specs
from offbook.harness.matrix.titles import told_apart
from offbook.harness.settings.drafters import Source
from offbook.harness.settings.matrix import UNTOUCHED, Matrix
from offbook.harness.trials.spec import ExamSpec, HeatSpec


def plan(matrix: Matrix, *, answers: Source | None = None, include_path: Path | None = None) -> Graph:
    """The stages of a matrix: exams with the students that sit them, then heats with the drafters that they need.

    A matrix of students without exams or heats trains them, and no more.

    Args:
        matrix: what to run.
        answers: where a base model's answers to the training prompts come from; by default as the file says.
        include_path: a folder with more suites.

    Raises:
        ValueError: a name that leads nowhere, or a setting that nobody takes.
    """
    return _Plan(Specs(matrix, answers or matrix.drafters.source, include_path)).graph()


class _Plan:
    """Stages as they are found."""

    def __init__(self, specs: Specs) -> None:
        self.specs = specs
        self.stages: dict[str, Stage] = {}

    def graph(self) -> Graph:
        """See `plan`."""
        self.specs.check_names()
        for heat in self.specs.heats_of(UNTOUCHED):
            self._add_heat(heat)
        for exam in self.specs.exams():
            self._add_exam(exam)
        for heat in self.specs.heats_of(None):
            self._add_heat(heat)
        for student in self.specs.students_alone():
            self._model_needs(student)
        if not self.stages:
            msg = "expected a matrix with cells, got one of which nothing is left; see its `include` and `exclude`"
            raise ValueError(msg)
        return Graph(stages=tuple(told_apart([*self.stages.values()])))

    def _add_exam(self, spec: ExamSpec) -> None:
        self._add("exam", spec, spec.title, self._model_needs(spec.model))

    def _add_heat(self, spec: HeatSpec) -> None:
        needs = self._model_needs(spec.model)
        for arm in spec.arms:
            if isinstance(arm.drafter, DrafterRecipe):
                needs.append(self._add_drafter(arm.drafter))
            if isinstance(arm.tuning, TuningRecipe):
                behind = [self._add_drafter(arm.drafter)] if isinstance(arm.drafter, DrafterRecipe) else []
                who = _who(spec.model)
                behind += self._model_needs(spec.model)
                needs.append(self._add("tuning", arm.tuning, f"tuning of {arm.decoder}{who}", behind, alone=True))
        self._add("heat", spec, spec.title, needs, alone=True)

    def _add_drafter(self, recipe: DrafterRecipe) -> str:
        if recipe.key() in self.stages:
            return recipe.key()
        answers = recipe.answers
        who = _who(answers.model)
        needs = self._model_needs(answers.model)
        title = f"the target's answers ({answers.source}){who}"
        made = self._add("answers", answers, title, needs)
        return self._add("drafter", recipe, f"drafter {recipe.decoder}{who}", [made, *needs])

    def _model_needs(self, model: ModelSpec) -> list[str]:
        return [] if model.student is None else [self._add_student(model.student)]

    def _add_student(self, recipe: StudentRecipe) -> str:
        """A student; one that lies between another and its base needs that one."""
        needs = [] if recipe.interpolation is None else [self._add_student(recipe.parent)]
        other = self.stages.get(recipe.key())
        if other is not None and other.spec["name"] != recipe.name:
            msg = (
                f"students {other.spec['name']} and {recipe.name}: expected two that differ, got the same "
                "settings under both names; leave one out"
            )
            raise ValueError(msg)
        return self._add("student", recipe, f"student {recipe.name}, seed {recipe.seed}", needs)

    def _add(self, kind: Kind, spec: Any, title: str, needs: Sequence[str], *, alone: bool = False) -> str:
        content = spec.model_dump(mode="json")
        key: str = spec.key_of(content)
        if key not in self.stages:
            self.stages[key] = Stage(
                key=key,
                kind=kind,
                title=title,
                spec=content,
                needs=tuple(dict.fromkeys(needs)),
                alone=alone,
            )
        return key


def _who(model: ModelSpec) -> str:
    return "" if model.student is None else f" for {model.student.name}, seed {model.student.seed}"
