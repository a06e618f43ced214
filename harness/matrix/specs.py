"""A matrix file as specifications: of checkpoints, of the heats and exams that they sit, and of what these need.

Each thing is hashed and looked for once, however many cells hold it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from offbook.engine.decoding.ranges import check
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.artifacts.recipes import (
    AnswersRecipe,
    DrafterRecipe,
    JointDrafterRecipe,
    ModelSpec,
    StudentRecipe,
)
from offbook.harness.artifacts.sources import (
    corpus_sha256,
    drafter_sha256,
    helper_hashes,
    model_hashes,
    prompts_sha256,
)
from offbook.harness.matrix.arm_drafters import check_drafter, joint_drafter
from offbook.harness.matrix.tuned_arms import tuned_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.draft_model import draft_model, draft_model_sha256
from offbook.harness.roster.target import known_dtype
from offbook.harness.settings.bounds import EXAM_TOKENS
from offbook.harness.settings.drafters import Source
from offbook.harness.settings.matrix import BASE, NONE, OWN, UNTOUCHED, Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.suites.sources import SuiteSource, suite_sources
from offbook.harness.trials.spec import ArmSpec, AskedSpec, ExamSpec, HeatSpec, SamplingSpec


class Specs:
    """The specifications of a matrix.

    Args:
        matrix: what to run.
        answers: where a base model's answers to the training prompts come from.
        include_path: a folder with more suites.
    """

    def __init__(self, matrix: Matrix, answers: Source, include_path: Path | None) -> None:
        self.matrix, self.answers, self.include_path = matrix, answers, include_path
        self.recipes: dict[Any, Any] = {}

    def check_names(self) -> None:
        """Looks for what needs no model, so that a slip of the pen is told before one is looked for.

        Raises:
            ValueError: a name that leads nowhere, or a drafter where none is wanted or none where one is.
        """
        for name, decoder in self.matrix.decoders.items():
            check_drafter(name, decoder, contender(decoder.decoder or name))
        for student in self.matrix.students.values():
            distiller(student.method).resolved(student.options)
            corpus_sha256(student.corpus or self.matrix.corpus)
        for suite in self.matrix.suites:
            self._sources(suite)
        for drawn in self.matrix.temperatures:
            check(drawn.temperature, drawn.top_k, drawn.top_p)
        if self.matrix.exams is not None:
            assert self._paper

    def checkpoints(self, model: str) -> Iterator[ModelSpec]:
        """The untouched model, its students, and those that lie between them by their weights."""
        yield self.checkpoint(model)
        for name, seed in self.matrix.students_of(model):
            trained, spec = self.checkpoint(model, name, seed), self.matrix.students[name]
            yield trained
            if spec.interpolate_seeds is None or seed < spec.interpolate_seeds:
                yield from (_interpolated(trained, a) for a in sorted({*spec.interpolate}))

    def checkpoint(self, model: str, student: str = UNTOUCHED, seed: int = 0) -> ModelSpec:
        """A base model or a student of it."""
        place = (model, student, seed)
        if place not in self.recipes:
            given = self.matrix.models[model]
            weights, settings = model_hashes(model, given.revision)
            self.recipes[place] = ModelSpec(
                name=model,
                revision=given.revision,
                dtype=known_dtype(given.dtype),
                weights_sha256=weights,
                settings_sha256=settings,
                student=None if student == UNTOUCHED else self._student(model, student, seed, weights, settings),
            )
        found: ModelSpec = self.recipes[place]
        return found

    def heats_of(self, student: str | None) -> Iterator[HeatSpec]:
        """Heats of the untouched models, or (None) of all students."""
        for model in self.matrix.models if self.matrix.decoders else ():
            students = [(UNTOUCHED, 0)] if student == UNTOUCHED else list(self.matrix.students_of(model))
            for name, training_seed in students:
                place = {"model": model, "student": name, "training_seed": training_seed}
                for drawn in self.matrix.temperatures:
                    for seed in self.matrix.seeds:
                        for suite in self.matrix.suites:
                            at = {**place, "suite": suite, "temperature": drawn.temperature, "seed": seed}
                            yield from self._heats(at, SamplingSpec(**drawn.model_dump(exclude={"limit"})), drawn.limit)

    def exams(self) -> Iterator[ExamSpec]:
        """Those of all checkpoints, model by model."""
        exams = self.matrix.exams
        if exams is None:
            return
        for checkpoint in (checkpoint for model in self.matrix.models for checkpoint in self.checkpoints(model)):
            yield ExamSpec(
                model=checkpoint,
                suites=self._paper,
                include_path=self._include_path,
                **exams.model_dump(exclude={"suites", "limits"}),
            )

    def students_alone(self) -> Iterator[ModelSpec]:
        """The students of a matrix that has neither heats nor exams."""
        if self.matrix.exams is None and not self.matrix.decoders:
            yield from (one for model in self.matrix.models for one in self.checkpoints(model) if one.student)

    @property
    def _include_path(self) -> str | None:
        return None if self.include_path is None else str(self.include_path)

    @cached_property
    def _paper(self) -> tuple[AskedSpec, ...]:
        exams = self.matrix.exams
        assert exams is not None
        asked = tuple(
            self._asked(source).model_copy(update={"group": group, "limit": exams.limits.get(group)})
            for group, names in sorted(exams.suites.items())
            for name in names
            for source in self._sources(name)
        )
        if twice := [name for name, times in Counter(suite.name for suite in asked).items() if times > 1]:
            msg = f"exams.suites: expected each suite once, got {quoted(twice[0])} more often; leave one out"
            raise ValueError(msg)
        return asked

    def _heats(self, at: Mapping[str, Any], sampling: SamplingSpec, limit: int | None) -> Iterator[HeatSpec]:
        """The heats of one place, one for each suite that the suite's name stands for."""
        chosen = self.matrix.decoders_of(**at)
        if not chosen:
            return
        if BASELINE not in [self.matrix.decoders[name].decoder or name for name in chosen]:
            msg = (
                f"expected {BASELINE} among the decoders on {at['suite']}, got {', '.join(chosen)}; add it: speed and "
                "losslessness are measured against it"
            )
            raise ValueError(msg)
        checkpoint = self.checkpoint(at["model"], at["student"], at["training_seed"])
        suite = self.matrix.suites[at["suite"]]
        limits = [n for n in (limit, suite.limit) if n is not None]
        for source in self._sources(at["suite"]):
            yield HeatSpec.model_construct(
                model=checkpoint,
                arms=self._arms(chosen, checkpoint),
                suite=self._asked(source),
                include_path=self._include_path,
                limit=min(limits, default=None),
                max_new_tokens=suite.max_new_tokens,
                sampling=sampling,
                seed=at["seed"],
                chat_template=self.matrix.chat_template,
            )

    def _arms(self, names: Sequence[str], checkpoint: ModelSpec) -> tuple[ArmSpec, ...]:
        """Arms of a heat; on the untouched model, its own drafter and its base's are one."""
        place = ("arms", tuple(names), id(checkpoint))
        if place not in self.recipes:
            arms: dict[str, ArmSpec] = {}
            for name in names:
                arm = self._arm(name, checkpoint)
                arms.setdefault(arm.key(), arm)
            self.recipes[place] = tuple(sorted(arms.values(), key=_order))
        found: tuple[ArmSpec, ...] = self.recipes[place]
        return found

    def _arm(self, name: str, checkpoint: ModelSpec) -> ArmSpec:
        spec = self.matrix.decoders[name]
        chosen = contender(spec.decoder or name)
        settings = parse(chosen.options, spec.options, source=f"options of {name}")
        drafter: DrafterRecipe | JointDrafterRecipe | str | None = None
        sha256: str | None = None
        made_for: Literal["target", "base"] = "target"
        if spec.drafter not in (OWN, BASE, NONE):
            folder = user_path(spec.drafter, what=f"drafter of {name}").absolute()
            drafter, sha256 = str(folder), drafter_sha256(folder)
        elif (joint := joint_drafter(spec, chosen, checkpoint)) is not None:
            drafter = joint
        elif chosen.architecture is not None:
            of_base = spec.drafter == BASE and checkpoint.student is not None
            made_for = "base" if of_base else "target"
            training = self.matrix.drafters.model_dump(exclude_none=True, exclude={"source"})
            drafter = self._drafter(
                chosen,
                checkpoint.base if of_base else checkpoint,
                training | spec.training.model_dump(exclude_none=True),
            )
        elif (model := draft_model(settings)) is not None:
            sha256 = draft_model_sha256(model)
        arm = ArmSpec(
            decoder=chosen.name,
            made_by=chosen.made_by,
            options=settings.model_dump(mode="json"),
            drafter=drafter,
            drafter_sha256=sha256,
            made_for=made_for,
            layout=chosen.layout or spec.layout or self.matrix.layout,
        )
        temperatures = [drawn.temperature for drawn in self.matrix.temperatures]
        return arm if spec.controller == NONE else tuned_arm(name, arm, spec, checkpoint, temperatures)

    def _drafter(self, chosen: Contender, model: ModelSpec, settings: Mapping[str, Any]) -> DrafterRecipe:
        from offbook.engine.drafters.config import TrainingConfig

        decoder = chosen if chosen.drafter_of is None else contender(chosen.drafter_of)
        config = TrainingConfig(**{k: v for k, v in settings.items() if k not in ("answers", "variant")})
        source = self.answers if model.student is None else "regenerate"
        limit = settings.get("answers")
        if (place := ("prompts", model.name, source)) not in self.recipes:
            self.recipes[place] = prompts_sha256(model.name, source)
        return DrafterRecipe(
            decoder=decoder.name,
            made_by=decoder.made_by,
            answers=AnswersRecipe(model=model, source=source, limit=limit, prompts_sha256=self.recipes[place]),
            training={"dev_fraction": config.dev_fraction} if decoder.counted else vars(config),
            variant=decoder.varied(settings.get("variant", {})),
        )

    def _student(self, model: str, name: str, seed: int, weights: str, settings: str | None) -> StudentRecipe:
        from offbook.engine.students.config import StudentConfig

        spec, exams = self.matrix.students[name], self.matrix.exams
        method = distiller(spec.method)
        if ("student", name) not in self.recipes:
            self.recipes["student", name] = method.resolved(spec.options)
        options = self.recipes["student", name]
        given = self.matrix.training.model_dump(exclude_none=True) | spec.training.model_dump(exclude_none=True)
        training = {key: value for key, value in vars(StudentConfig(**given)).items() if key != "seed"}
        corpus = spec.corpus or self.matrix.corpus
        return StudentRecipe(
            name=name,
            method=method.name,
            made_by=method.made_by,
            options=options,
            training=training,
            seed=seed,
            base=model,
            revision=self.matrix.models[model].revision,
            base_sha256=weights,
            settings_sha256=settings,
            corpus=corpus,
            corpus_file_sha256=corpus_sha256(corpus),
            encoder=self.matrix.encoder,
            helpers=helper_hashes(method, options, self.matrix.encoder, replay=bool(training["replay"])),
            max_new_tokens=EXAM_TOKENS if exams is None else exams.max_new_tokens or EXAM_TOKENS,
            processes=spec.processes or self.matrix.processes,
            tries=spec.tries,
        )

    def _sources(self, name: str) -> list[SuiteSource]:
        if ("suite", name) not in self.recipes:
            self.recipes["suite", name] = suite_sources(name, include_path=self.include_path)
        found: list[SuiteSource] = self.recipes["suite", name]
        return found

    def _asked(self, source: SuiteSource) -> AskedSpec:
        if ("asked", source) not in self.recipes:
            self.recipes["asked", source] = AskedSpec(name=source.name, asked_as=source.asked_as, sha256=source.sha256)
        found: AskedSpec = self.recipes["asked", source]
        return found


def _interpolated(trained: ModelSpec, a: float) -> ModelSpec:
    assert trained.student is not None
    return trained.model_copy(update={"student": trained.student.interpolated(a)})


def _order(arm: ArmSpec) -> tuple[bool, str, str, str]:
    """Of the arms of a heat, whatever the order of the file."""
    return arm.decoder != BASELINE, arm.decoder, arm.made_for, arm.key()
