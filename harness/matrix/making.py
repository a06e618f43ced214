"""The stages of a plan as functions of the stage and the run's folder: what `runners` names and every executor calls.

What a stage makes is declared done by the list of its files (`artifacts.manifest`), written last. An artifact that has
the list and differs from it is damaged: it is named, removed and made again. One without the list was left half made,
and is gone on with, since trainings keep their own states; one that a training had finished has to be as that left it.
"""

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.files import atomic_write_bytes, atomic_write_text, remove
from offbook.engine.model_identity import KnownWeights
from offbook.engine.progress import Progress
from offbook.engine.resuming.seal import broken
from offbook.engine.students.record import RECORD
from offbook.engine.unusable import UnusableError
from offbook.harness.artifacts import drafters
from offbook.harness.artifacts.folders import tables_folder
from offbook.harness.artifacts.interpolated import make_interpolated
from offbook.harness.artifacts.manifest import NAME, artifact_folder, check, complete
from offbook.harness.artifacts.pins import check_origin, check_pin
from offbook.harness.artifacts.recipes import AnswersRecipe, DrafterRecipe, StudentRecipe, TuningRecipe
from offbook.harness.artifacts.sources import drafter_sha256, prompts_sha256
from offbook.harness.artifacts.students import make
from offbook.harness.artifacts.target_answers import target_answers
from offbook.harness.artifacts.train_student import launch
from offbook.harness.artifacts.tune import tune_decoder, tuning_of
from offbook.harness.matrix.features import drop_features, features_folder
from offbook.harness.matrix.graph import PLAN, Graph, Stage
from offbook.harness.matrix.tune import lines
from offbook.harness.records.store import Store
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.target import resolve_device
from offbook.harness.roster.tuning import FILE
from offbook.harness.trials.run import run
from offbook.harness.trials.session import Session
from offbook.harness.trials.spec import ExamSpec, HeatSpec

ANSWERS = "answers.jsonl"
FINISHED = {"student": RECORD, "drafter": CONFIG}  # what a training writes last, sealed
T = TypeVar("T")


@functools.lru_cache(maxsize=1)
def session(folder: Path, device: str) -> Session:
    """The session of this process, so that a target stays warm between its stages."""
    return Session(folder, device=device)


def answers(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """The target's answers to the training prompts; what an earlier process answered is kept.

    Raises:
        ValueError: see `target_answers`; or other prompts than the run was planned with.
    """
    recipe, place = AnswersRecipe.model_validate(stage.spec), _room(stage, folder, progress)
    prompts = prompts_sha256(recipe.model.name, recipe.source)
    check_pin("training prompts", planned=recipe.prompts_sha256, found=prompts)
    target = session(folder, device).target(recipe.model)
    half = place / ".answered"
    half.mkdir(exist_ok=True)
    rows = _going_on(place, progress, lambda: target_answers(target, recipe.source, half, progress, limit=recipe.limit))
    atomic_write_text(place / ANSWERS, "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    complete(place, stage.key)
    shutil.rmtree(half)


def drafter(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Trains a drafter on its target's answers.

    Raises:
        ValueError: see `artifacts.drafters.train`; or a decoder of other code than the run was planned with.
    """
    recipe, place = DrafterRecipe.model_validate(stage.spec), _room(stage, folder, progress)
    chosen = contender(recipe.decoder)
    check_origin(chosen.name, planned=recipe.made_by, found=chosen.made_by)
    target = session(folder, device).target(recipe.answers.model)
    config = TrainingConfig(**recipe.training)  # type: ignore[arg-type]  # they were checked when it was planned
    features = features_folder(folder, recipe.answers.key())
    rows = _answers(artifact_folder(folder, "answers", recipe.answers.key()))
    _going_on(
        place,
        progress,
        lambda: drafters.train(
            chosen, target, rows, config, place, variant=recipe.variant, features_dir=features, progress=progress
        ),
    )
    plan = Graph.read(folder) if (folder / PLAN).is_file() else Graph(stages=())
    drop_features(plan, folder, made=stage.key)  # before it is declared done, for then nobody might come back
    complete(place, stage.key)


def student(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Trains a student, or makes one of the weights of another and of its base.

    Raises:
        ValueError: see `artifacts.students.make` and `make_interpolated`.
    """
    recipe, place = StudentRecipe.model_validate(stage.spec), _room(stage, folder, progress)
    told, material = session(folder, device).student(recipe, progress)
    tables = tables_folder(folder)
    if recipe.interpolation is not None:
        parent = artifact_folder(folder, "student", recipe.parent.key())
        _going_on(place, progress, lambda: make_interpolated(recipe, parent, place))
    elif told.processes > 1:
        _going_on(place, progress, lambda: launch(told, material, place, recipe.corpus, device=device, tables=tables))
    else:
        here = resolve_device(device)
        _going_on(place, progress, lambda: make(told, material, place, progress, device=here, tables=tables))
    known = KnownWeights(place)  # of whom exams and heats ask next
    known.take({entry.name: entry.sha256 for entry in complete(place, stage.key).files})


def tuning(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Measures what cuts the rounds of a decoder.

    Raises:
        ValueError: see `tune_decoder`; or a decoder of other code than the run was planned with.
    """
    recipe, place = TuningRecipe.model_validate(stage.spec), _room(stage, folder, progress)
    chosen = contender(recipe.decoder)
    check_origin(chosen.name, planned=recipe.made_by, found=chosen.made_by)
    drafted = recipe.drafter
    if isinstance(drafted, str) and recipe.drafter_sha256 is not None:
        check_pin(f"drafter of {chosen.name}", planned=recipe.drafter_sha256, found=drafter_sha256(Path(drafted)))
    target, costs, known = session(folder, device).development(
        recipe.model, recipe.layout, recipe.temperatures, progress
    )
    found = tune_decoder(
        target,
        chosen,
        known,
        costs,
        options=recipe.options,
        drafter_folder=None if drafted is None else drafters.folder_in(folder, drafted),
        made_for=recipe.made_for,
    )
    for line in lines(found):
        progress.say(f"    {line}")
    made = tuning_of(target, {target.backbone.layout.name: costs}, known, [found])
    atomic_write_bytes(place / FILE, made.to_bytes())
    complete(place, stage.key)


def heat(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Runs a heat.

    Raises:
        ValueError: see `trials.run`.
    """
    run(HeatSpec.model_validate(stage.spec), Store(folder), session(folder, device), progress)


def exam(stage: Stage, folder: Path, progress: Progress, *, device: str) -> None:
    """Lets a checkpoint sit its exam.

    Raises:
        ValueError: see `trials.run`.
    """
    run(ExamSpec.model_validate(stage.spec), Store(folder), session(folder, device), progress)


def _room(stage: Stage, folder: Path, progress: Progress) -> Path:
    """The folder of an artifact; a damaged one is removed."""
    place = artifact_folder(folder, stage.kind, stage.key)
    if (place / NAME).exists() and (problem := check(place, stage.key)) is not None:
        progress.say(f"    {problem.removesuffix('; run its stage again')}; made again")
        shutil.rmtree(place)
    elif (record := place / FINISHED.get(stage.kind, NAME)).exists() and (problem := broken(record)) is not None:
        progress.say(f"    {place.name}: {problem}; made again")
        shutil.rmtree(place)
    elif place.exists():
        progress.say(f"    {place.name}: was left half made; gone on with")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _going_on(place: Path, progress: Progress, work: Callable[[], T]) -> T:
    """What `work` makes of an artifact that may have been begun; what cannot be gone on with is removed first."""
    try:
        return work()
    except UnusableError as error:
        if not error.path.is_relative_to(place.parent):  # of the artifacts, and so of this run
            raise
        progress.say(f"    {str(error).rpartition('; ')[0] or error}; made again")
        remove(place if error.path.is_relative_to(place) else error.path)
        place.mkdir(parents=True, exist_ok=True)
        return work()


def _answers(place: Path) -> list[Answer]:
    rows = [json.loads(line) for line in (place / ANSWERS).read_text(encoding="utf-8").splitlines()]
    return [Answer(**(row | {name: tuple(row[name]) for name in ("prompt_tokens", "answer_tokens")})) for row in rows]
