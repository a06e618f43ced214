"""Runs a trial that is given as data: loads what it needs, measures, commits; what is committed is not run again."""

from pydantic import JsonValue

from offbook.engine.decoding.layouts.names import AUTO
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Progress
from offbook.harness.artifacts.interpolated import place_of
from offbook.harness.artifacts.manifest import artifact_folder
from offbook.harness.artifacts.recipes import Recipe, StudentRecipe
from offbook.harness.artifacts.students import cost
from offbook.harness.records.exam import TrainingCost
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.roster.arms import told_apart
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.heat import is_done, plan_heat, run_heat, summary
from offbook.harness.trials.session import Session
from offbook.harness.trials.spec import ExamSpec, HeatSpec


def run(spec: HeatSpec | ExamSpec, store: Store, session: Session, progress: Progress) -> list[str]:
    """Runs a trial; the ledger then says that its records are there, whichever trial made them.

    Args:
        spec: what is measured.
        store: where its records go.
        session: what trials of one checkpoint share.
        progress: is told how far it is.

    Returns:
        The keys of its records.

    Raises:
        ValueError: what does not exist or does not fit together.
    """
    keys = (
        _heat(spec, store, session, progress) if isinstance(spec, HeatSpec) else _exam(spec, store, session, progress)
    )
    store.found(spec.key(), keys)
    return keys


def _heat(spec: HeatSpec, store: Store, session: Session, progress: Progress) -> list[str]:
    target, student = session.target(spec.model), spec.model.student
    trained_in, who = "", None
    if student is not None:
        who = _who(student, session, progress)
        asked = str(student.training["mixed_precision"])
        trained_in = cost(artifact_folder(session.folder, "student", student.key())).mixed_precision or asked
    arms = told_apart(session.arms(target, spec.arms, temperature=spec.sampling.temperature, say=progress.say))
    drafters: dict[str, JsonValue] = {
        arm.id: asked.drafter.key()
        for arm, asked in zip(arms, spec.arms, strict=True)
        if isinstance(asked.drafter, Recipe)
    }
    heat = plan_heat(
        target,
        arms,
        session.suite(spec.suite, spec.include_path, progress),
        seed=spec.seed,
        sampling=Sampling(**spec.sampling.model_dump()),
        limit=spec.limit,
        max_new_tokens=spec.max_new_tokens,
        chat_template=spec.chat_template,
        student=who,
        trained_in=trained_in,
        trial=spec.key(),
        recipes=_student(student) | ({"drafters": drafters} if drafters else {}),
    )
    done = is_done(heat, store)
    records = run_heat(heat, store, progress)
    if not done:
        progress.say(f"    {summary(heat, store)}")
    return [record.key for record in records]


def _exam(spec: ExamSpec, store: Store, session: Session, progress: Progress) -> list[str]:
    target, recipe = session.target(spec.model), spec.model.student
    target = target.for_answers() if spec.layout == AUTO else target.under(spec.layout)
    paper = session.paper(spec, target, progress)
    student = None if recipe is None else _who(recipe, session, progress)
    sitting = exam_spec(
        paper,
        model=target.name,
        base_sha256=spec.model.weights_sha256,
        weights_sha256=target.weights_sha256,
        settings_sha256=target.settings_sha256,
        revision=spec.model.revision,
        dtype=spec.model.dtype,
        layout=target.backbone.layout.name,
        student=student,
    )
    store.recover()
    if not store.has(sitting.key()):
        spent = None if recipe is None else _spent(recipe, session)
        exam = examine(
            paper,
            target,
            sitting,
            spent,
            store.root,
            progress,
            trial=spec.key(),
            recipes=_student(recipe),
            reference=session.reference(spec, progress),
        )
        right, ended = exam.right(), sum(row.finished for row in exam.rows) / len(exam.rows)
        score = f"{sum(right) / len(right):.3f} of {len(right)} documents right, " if right else ""
        progress.say(
            f"    {sitting.student.name}, seed {sitting.student.seed}: {score}{100 * ended:.0f} % of answers ended"
        )
    return [sitting.key()]


def _who(recipe: StudentRecipe, session: Session, progress: Progress) -> StudentId:
    told, material = session.student(recipe, progress)
    who = told.id(material)
    if recipe.interpolation is None:
        return who
    place = place_of(artifact_folder(session.folder, "student", recipe.key()))
    return who.model_copy(update={"interpolation": place})


def _spent(recipe: StudentRecipe, session: Session) -> TrainingCost:
    """What its folder says of a student's cost, and what the plan says of how it was chosen."""
    found = cost(artifact_folder(session.folder, "student", recipe.key()))
    told = {"tries": recipe.tries}
    if found.dev_scores:
        told["dev_questions"] = recipe.corpus.dev_questions
    if found.retention is not None:
        told["retention_questions"] = recipe.corpus.retention_questions
    return found.model_copy(update=told)


def _student(recipe: StudentRecipe | None) -> dict[str, JsonValue]:
    return {} if recipe is None else {"student": recipe.key()}
