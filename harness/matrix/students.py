"""The distillation half of a profile: students are made and examined one after the other, tables grow behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.model_identity import ModelIdentity, model_identity
from offbook.engine.progress import Progress
from offbook.harness.artifacts.corpus_file import find_file
from offbook.harness.artifacts.material import Material, load_material
from offbook.harness.artifacts.students import Student, check_settings, cost, is_made, make, plan_students
from offbook.harness.artifacts.train_student import launch
from offbook.harness.matrix.cross import Trained, check_cross, cross_stages, run_cross
from offbook.harness.matrix.stages import Stage, Stages
from offbook.harness.records.exam import SittingSpec, TrainingCost
from offbook.harness.records.store import Store
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.target import Target, load_target, short_name
from offbook.harness.settings.profile import Profile
from offbook.harness.settings.students import PROCEDURAL, Group, StudentsSpec
from offbook.harness.suites.suite import Suite, find_suites
from offbook.harness.tables.students_markdown import Expected, write_students
from offbook.harness.trials.exam import exam_spec, examine, set_paper

TABLES = "tables"
ANSWERS_PER_S = 2.5  # in an exam of the embedded model on two cores: the first guess at how long it takes
GRADIENT_TOKENS_PER_S = 100.0  # in a training there


@dataclass(frozen=True, kw_only=True)
class StudentHalf:
    """What is to be made and examined: students by base model, their corpus, suites by group."""

    spec: StudentsSpec
    dtype: str
    material: Material
    students: Mapping[str, tuple[Student, ...]]
    groups: Mapping[Group, tuple[Suite, ...]]

    @property
    def expected(self) -> list[Expected]:
        """Every exam, for tables that say what is missing."""
        return [
            Expected(model=short_name(model), student=name, seed=seed)
            for model, students in self.students.items()
            for name, seed in [(UNTOUCHED, 0), *((s.name, s.config.seed) for s in students)]
        ]


def plan_half(profile: Profile, progress: Progress) -> StudentHalf:
    """Finds what a profile's students need before anything is made: methods, corpus, base models, suites.

    Raises:
        ValueError: the first that is not there.
    """
    spec = profile.students
    assert spec is not None
    models = spec.models or (profile.model,)
    check_settings(spec)
    if spec.corpus.source != PROCEDURAL:
        find_file(spec.corpus.source)
    students = {model: tuple(plan_students(spec, model)) for model in models}  # the models, before questions are made
    material = load_material(spec.corpus, progress)
    _check_corpus(spec, material)
    return StudentHalf(
        spec=spec,
        dtype=profile.dtype,
        material=material,
        groups={group: tuple(find_suites(list(names), say=progress.say)) for group, names in spec.suites.items()},
        students=students,
    )


def stages_of(half: StudentHalf) -> list[Stage]:
    """The stages in the order in which `run_half` takes them, with a first guess at their seconds."""
    suites = [suite for group in half.groups.values() for suite in group]
    documents = sum(min(half.spec.limit or 10**9, len(suite.task().eval_docs)) for suite in suites)
    plan: list[Stage] = []
    for model, students in half.students.items():
        plan.append(Stage(f"exam of {model}, untouched", documents / ANSWERS_PER_S))
        for student in students:
            seconds = student.config.gradient_tokens / GRADIENT_TOKENS_PER_S + documents / ANSWERS_PER_S
            plan.append(Stage(f"student {student.name}, seed {student.config.seed}", seconds))
    return plan if half.spec.cross is None else [*plan, *cross_stages(half.spec.cross)]


def run_half(
    profile: Profile, half: StudentHalf, folder: Path, stages: Stages, progress: Progress, *, device: str
) -> None:
    """Makes and examines what is missing; the tables are written again after every exam.

    Raises:
        ValueError: what cannot be asked of a base model or learned from the corpus.
    """
    material = half.material
    store = Store(folder)
    store.recover()
    write_students(folder, expected=half.expected)
    for model, students in half.students.items():
        base = load_target(model, dtype=half.dtype, device=device)
        if half.spec.cross is not None and model == profile.model:
            check_cross(profile, half.spec.cross, base)
        room = _Room(half=half, base=base, material=material, folder=folder, progress=progress, device=device)
        spec = room.spec(model_identity(model))
        done = store.has(spec.key())
        with stages.next(skipped=done):
            if not done:
                room.examine(base, spec, None)
        for student in students:
            made = student.folder(folder / "artifacts", material)
            done = is_made(made) and store.has(room.spec(model_identity(str(made)), student).key())
            with stages.next(skipped=done):
                if not done:
                    room.teach(student, made)
    if half.spec.cross is not None:
        crossed = [
            Trained(student=student, id=student.id(material), folder=student.folder(folder / "artifacts", material))
            for name in half.spec.cross.students
            for student in half.students[profile.model]
            if student.name == name and student.config.seed == 0
        ]
        run_cross(profile, half.spec.cross, crossed, folder, stages, progress, device=device)


class _Room:
    """What the students of one base model share."""

    def __init__(
        self, *, half: StudentHalf, base: Target, material: Material, folder: Path, progress: Progress, device: str
    ) -> None:
        self.half, self.base, self.material = half, base, material
        self.folder, self.progress, self.device = folder, progress, device
        spec = half.spec
        self.paper = set_paper(
            half.groups, base, limit=spec.limit, max_new_tokens=spec.max_new_tokens, batch_size=spec.batch_size
        )
        for told in self.paper.not_done():
            progress.say(told)

    def spec(self, identity: ModelIdentity, student: Student | None = None) -> SittingSpec:
        """The specification of an exam."""
        return exam_spec(
            self.paper,
            model=self.base.name,
            base_sha256=self.base.weights_sha256,
            weights_sha256=identity.weights_sha256,
            settings_sha256=identity.settings_sha256,
            dtype=self.half.dtype,
            student=None if student is None else student.id(self.material),
        )

    def teach(self, student: Student, made: Path) -> None:
        """Makes a student and lets it sit the exam."""
        if student.processes > 1:
            launch(
                student,
                self.material,
                made,
                self.half.spec.corpus,
                device=self.device,
                tables=made.parent / TABLES,
            )
        else:
            make(
                student,
                self.material,
                made,
                self.progress,
                device=self.base.device,
                tables=made.parent / TABLES,
            )
        target = load_target(str(made), dtype=self.half.dtype, device=self.device)
        exam = self.spec(model_identity(str(made)), student)
        if not Store(self.folder).has(exam.key()):
            self.examine(target, exam, cost(made))

    def examine(self, target: Target, spec: SittingSpec, cost: TrainingCost | None) -> None:
        """Examines a model, and writes the tables anew."""
        exam = examine(self.paper, target, spec, cost, self.folder, self.progress)
        right, ended = exam.right(), sum(row.finished for row in exam.rows) / len(exam.rows)
        told = f"{sum(right) / len(right):.3f} of {len(right)} documents right, " if right else ""
        self.progress.say(
            f"    {spec.student.name}, seed {spec.student.seed}: {told}{100 * ended:.0f} % of answers ended"
        )
        write_students(self.folder, expected=self.half.expected)


def _check_corpus(spec: StudentsSpec, material: Material) -> None:
    """Refuses a corpus that one of the methods cannot learn from, before others have trained for hours.

    Raises:
        ValueError: the first, and what is missing.
    """
    for name, student in spec.methods.items():
        try:
            distiller(student.method).check_corpus(student.options, material.corpus)
        except ValueError as error:
            msg = f"student {name}, corpus {material.name}: {error}"
            raise ValueError(msg) from error
