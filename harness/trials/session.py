"""What trials of one process share: the target that was loaded last, exam papers, corpora; and where artifacts lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from offbook.engine.decoding.costs import RowCosts, measure_costs
from offbook.engine.decoding.replay import KnownText
from offbook.engine.drafters.checkpoint import TargetName
from offbook.engine.progress import Progress
from offbook.engine.quoting import quoted
from offbook.engine.students.config import StudentConfig
from offbook.harness.artifacts.drafters import folder_in
from offbook.harness.artifacts.folders import tables_folder
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.material import Material, load_material
from offbook.harness.artifacts.pins import check_origin, check_pin, check_pins
from offbook.harness.artifacts.recipes import ModelSpec, StudentRecipe, TuningRecipe
from offbook.harness.artifacts.sources import corpus_sha256, helper_hashes
from offbook.harness.artifacts.students import Student
from offbook.harness.artifacts.tune import development_answers
from offbook.harness.records.code import code_sha256
from offbook.harness.records.drafter import PLAIN_LAYOUT
from offbook.harness.roster.arms import Arm, build_arms
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.target import Target, load_target, short_name
from offbook.harness.roster.tuning import Tuning, read_tuning
from offbook.harness.settings.bounds import EXAM_TOKENS
from offbook.harness.settings.students import CorpusSpec
from offbook.harness.suites.sources import suite_sha256
from offbook.harness.suites.suite import Suite, find_suites
from offbook.harness.trials.divergence import Reference
from offbook.harness.trials.paper import Paper, set_paper
from offbook.harness.trials.reference import reference
from offbook.harness.trials.spec import ArmSpec, AskedSpec, ExamSpec
from offbook.tasks.exam_groups import Group


class Session:
    """Keeps warm what the next trial of the same checkpoint can use.

    Args:
        folder: of the run.
        device: auto, cpu or cuda.
    """

    def __init__(self, folder: Path, *, device: str = "auto") -> None:
        self.folder, self.device = folder, device
        code_sha256()  # before anybody edits what this process has loaded
        self._target: tuple[str, Target] | None = None
        self._development: dict[
            tuple[str | float, ...], tuple[Target, RowCosts, Mapping[float, Sequence[KnownText]]]
        ] = {}
        self._papers: dict[str, Paper] = {}
        self._materials: dict[CorpusSpec, tuple[str, Material]] = {}

    def target(self, model: ModelSpec) -> Target:
        """A checkpoint; the last one is forgotten first.

        Raises:
            ValueError: see `load_target`; or a base model of other weights or settings than the run was planned
                with; an edit while it is warm changes nothing.
        """
        if self._target is None or self._target[0] != model.key():
            self._target = None
            self._development.clear()
            self._target = model.key(), self._load(model)
        return self._target[1]

    def _load(self, model: ModelSpec) -> Target:
        if model.student is not None:
            folder = artifact_folder(self.folder, "student", model.student.key())
            base = TargetName(name=short_name(model.name), weights_sha256=model.weights_sha256)
            target = load_target(str(folder), dtype=model.dtype, device=self.device, layout=PLAIN_LAYOUT)
            return replace(target, name=base.name, base=base)
        target = load_target(
            model.name, dtype=model.dtype, device=self.device, revision=model.revision, layout=PLAIN_LAYOUT
        )
        check_pin(f"weights of {quoted(target.name)}", planned=model.weights_sha256, found=target.weights_sha256)
        check_pin(f"settings of {quoted(target.name)}", planned=model.settings_sha256, found=target.settings_sha256)
        return target

    def arms(
        self,
        target: Target,
        specs: Sequence[ArmSpec],
        *,
        temperature: float = 0.0,
        say: Callable[[str], None] = lambda line: None,
    ) -> list[Arm]:
        """The contenders of a heat; where one was tuned on another machine, it is said.

        Raises:
            ValueError: see `build_arms`; or a decoder of other code, or another drafter, than the run was planned with.
        """
        arms = []
        for spec in specs:
            drafters = {} if spec.drafter is None else {spec.decoder: folder_in(self.folder, spec.drafter)}
            tuning = self._tuning(spec)
            if tuning is not None and (elsewhere := tuning.elsewhere()):
                say(f"    {spec.decoder}: {elsewhere}")
            (arm,) = build_arms(
                target,
                [spec.decoder],
                options={spec.decoder: _fixed(spec)},
                drafter_folders=drafters,
                made_for=spec.made_for,
                layout=spec.layout,
                tuning=tuning,
                temperature=temperature,
            )
            check_origin(spec.decoder, planned=spec.made_by, found=arm.made_by)
            if spec.drafter_sha256 is not None:
                found = None if arm.drafter_id is None else arm.drafter_id.sha256
                check_pin(f"drafter of {spec.decoder}", planned=spec.drafter_sha256, found=found)
            arms.append(arm)
        return arms

    def _tuning(self, spec: ArmSpec) -> Tuning | None:
        """What cuts an arm's rounds."""
        if isinstance(spec.tuning, TuningRecipe):
            return read_tuning(artifact_folder(self.folder, "tuning", spec.tuning.key()))
        if spec.tuning is None:
            return None
        tuning = read_tuning(Path(spec.tuning))
        check_pin(f"tuning of {spec.decoder}", planned=spec.tuning_sha256, found=tuning.sha256())
        return tuning

    def development(
        self, model: ModelSpec, layout: str, temperatures: Sequence[float], progress: Progress
    ) -> tuple[Target, RowCosts, Mapping[float, Sequence[KnownText]]]:
        """A checkpoint in a layout, what its rows cost, and its answers to development prompts.

        They are kept as long as the checkpoint is: decoders are tuned in the order of a matrix, whatever their layouts.
        """
        target = self.target(model).under(layout)
        place: tuple[str | float, ...] = (layout, *temperatures)
        if place not in self._development:
            answers = {at: development_answers(target, at, progress) for at in temperatures}
            self._development[place] = target, measure_costs(target.backbone), answers
        return self._development[place]

    def suite(self, asked: AskedSpec, include_path: str | None, progress: Progress) -> Suite:
        """A suite by the name that finds it.

        Raises:
            ValueError: see `find_suites`; or a suite of other files than the run was planned with.
        """
        path = None if include_path is None else Path(include_path)
        check_pin(f"files of {asked.name}", planned=asked.sha256, found=suite_sha256(asked.name, include_path=path))
        found = find_suites([asked.asked_as], include_path=path, say=progress.say)
        return next(suite for suite in found if suite.name == asked.name)

    def paper(self, spec: ExamSpec, target: Target, progress: Progress) -> Paper:
        """The questions of an exam, the same for all students of a base model.

        Raises:
            ValueError: see `set_paper`.
        """
        place = spec.model_copy(update={"model": spec.model.base}).key()
        if place not in self._papers:
            groups: dict[Group, list[Suite]] = {}
            limits: dict[Group, int] = {}
            for asked in spec.suites:
                assert asked.group is not None
                groups.setdefault(asked.group, []).append(self.suite(asked, spec.include_path, progress))
                if asked.limit is not None:
                    limits[asked.group] = asked.limit
            self._papers[place] = set_paper(
                groups,
                target,
                limit=spec.limit,
                limits=limits,
                max_new_tokens=spec.max_new_tokens,
                batch_size=spec.batch_size,
            )
            for told in self._papers[place].not_done():
                progress.say(told)
        return self._papers[place]

    def reference(self, spec: ExamSpec, progress: Progress) -> Reference | None:
        """What a student is held against: laws of its base model, which is loaded where nobody has made them yet.

        None for an untouched model.

        Raises:
            ValueError: see `target` and `material`.
        """
        if spec.model.student is None:
            return None
        return reference(
            tables_folder(self.folder),
            spec.model.base,
            lambda: self._load(spec.model.base).for_answers(),
            self.material(spec.model.student, progress),
            max_new_tokens=spec.max_new_tokens or EXAM_TOKENS,
            progress=progress,
        )

    def student(self, recipe: StudentRecipe, progress: Progress) -> tuple[Student, Material]:
        """A student as those that make and examine it take it, with what it learns from.

        Raises:
            ValueError: see `load_material`; or a method of other code, other helpers or another corpus than the run
                was planned with.
        """
        method = distiller(recipe.method)
        check_origin(recipe.method, planned=recipe.made_by, found=method.made_by)
        replay = bool(recipe.training.get("replay"))
        helpers = helper_hashes(method, recipe.options, recipe.encoder, replay=replay)
        check_pins(f"student {recipe.name}", planned=recipe.helpers, found=helpers)
        return student_of(recipe), self.material(recipe, progress)

    def material(self, recipe: StudentRecipe, progress: Progress) -> Material:
        """A student's corpus.

        Raises:
            ValueError: see `load_material`; or another corpus than the run was planned with.
        """
        corpus = recipe.corpus
        if corpus not in self._materials:
            self._materials[corpus] = corpus_sha256(corpus), load_material(corpus, progress)
        found, material = self._materials[corpus]
        check_pin(f"corpus of student {recipe.name}", planned=recipe.corpus_file_sha256, found=found)
        return material


def _fixed(spec: ArmSpec) -> Mapping[str, JsonValue]:
    """The settings of an arm that no tuning chose."""
    return spec.tuning.options if isinstance(spec.tuning, TuningRecipe) else spec.options


def student_of(recipe: StudentRecipe) -> Student:
    """A recipe as what `artifacts.students` makes."""
    training: Mapping[str, object] = recipe.training
    config: StudentConfig = StudentConfig(**{**training, "seed": recipe.seed})  # type: ignore[arg-type]
    return Student(
        name=recipe.name,
        method=recipe.method,
        options=recipe.options,
        config=config,
        model=recipe.base,
        revision=recipe.revision,
        base_sha256=recipe.base_sha256,
        base_settings_sha256=recipe.settings_sha256,
        encoder=recipe.encoder,
        processes=recipe.processes,
        max_new_tokens=recipe.max_new_tokens,
    )
