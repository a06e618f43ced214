"""The cross: the same decoders on several students of one base model, in heats like any other.

A decoder with a trained drafter takes part twice on a student: with the base model's drafter, as somebody would who
swaps the model under a running server, and with one trained for the student by the same recipe. Whether the first
keeps its acceptance is what the rows show.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.vocabulary import check_size
from offbook.engine.progress import Progress
from offbook.harness.artifacts import drafters
from offbook.harness.artifacts.students import Student, cost
from offbook.harness.artifacts.target_answers import target_answers
from offbook.harness.matrix.stages import TOKENS_PER_S, Stage, Stages
from offbook.harness.records.store import Store
from offbook.harness.records.student import UNTOUCHED, StudentId
from offbook.harness.roster.arms import Arm, build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.settings.profile import Profile
from offbook.harness.settings.students import CrossSpec
from offbook.harness.suites.rehearsal import rehearse
from offbook.harness.suites.suite import Suite, find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import Heat, is_done, plan_heat, run_heat, summary

DRAFTER_S = 600.0  # to answer the training prompts and train on them, on two cores: the first guess


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A student that is made, and where it lies."""

    student: Student
    id: StudentId
    folder: Path


def cross_stages(spec: CrossSpec) -> list[Stage]:
    """The stages in the order in which `run_cross` takes them."""
    suites = len(_suites(spec))
    trained = _with_drafter(spec.decoders)
    plan = []
    for name in (UNTOUCHED, *spec.students):
        plan += [Stage(f"drafter {decoder} for {name}", DRAFTER_S) for decoder in trained]
        arms = len(spec.decoders) + (len(trained) if name != UNTOUCHED else 0)
        tokens = spec.limit * sum(cap for _, cap in _suites(spec)) * arms
        plan.append(Stage(f"{len(spec.decoders)} decoders on {name}, {suites} suites", tokens / TOKENS_PER_S))
    return plan


def run_cross(
    profile: Profile,
    spec: CrossSpec,
    students: Sequence[Trained],
    folder: Path,
    stages: Stages,
    progress: Progress,
    *,
    device: str,
) -> None:
    """Runs what is missing of the cross; its cells stand in the same store and leaderboard as all others.

    Raises:
        ValueError: a decoder, a suite or a drafter that does not fit.
    """
    store = Store(folder)
    artifacts = folder / "artifacts"
    base = load_target(profile.model, dtype=profile.dtype, device=device)
    base_drafters = _drafters(profile, spec, base, artifacts, stages, progress)
    arms = build_arms(base, spec.decoders, options=_options(profile, spec), drafter_folders=base_drafters)
    with stages.next():
        _run(_heats(profile, spec, base, arms), store, folder, progress)
    for trained in students:
        target = replace(
            load_target(str(trained.folder), dtype=profile.dtype, device=device), name=base.name, base=base.identity
        )
        own = _drafters(profile, spec, target, artifacts, stages, progress)
        arms = build_arms(target, spec.decoders, options=_options(profile, spec), drafter_folders=own)
        borrowed = build_arms(
            target,
            list(base_drafters),
            options={name: o for name, o in _options(profile, spec).items() if name in base_drafters},
            drafter_folders=base_drafters,
            made_for="base",
        )
        arms += borrowed
        trained_in = cost(trained.folder).mixed_precision or trained.student.config.mixed_precision
        with stages.next():
            _run(_heats(profile, spec, target, arms, trained.id, trained_in), store, folder, progress)


def check_cross(profile: Profile, spec: CrossSpec, base: Target) -> None:
    """Refuses, before any student is trained, what the cross would refuse after it.

    Raises:
        ValueError: a suite that cannot be measured on this model, or a draft vocabulary beyond its own.
    """
    if _with_drafter(spec.decoders):
        settings = profile.training.model_dump(exclude={"answers"}, exclude_none=True)
        check_size(TrainingConfig(**settings).draft_vocab_size, base.backbone.embedding_VH.shape[0])
    for suite, cap in _suites(spec):
        rehearse(suite, base, limit=spec.limit, max_new_tokens=cap)


def _heats(
    profile: Profile,
    spec: CrossSpec,
    target: Target,
    arms: Sequence[Arm],
    student: StudentId | None = None,
    trained_in: str = "",
) -> list[Heat]:
    return [
        plan_heat(
            target,
            arms,
            suite,
            seed=profile.seed,
            sampling=Sampling(),
            limit=spec.limit,
            max_new_tokens=cap,
            student=student,
            trained_in=trained_in,
        )
        for suite, cap in _suites(spec)
    ]


def _run(heats: Sequence[Heat], store: Store, folder: Path, progress: Progress) -> None:
    for heat in heats:
        if not is_done(heat, store):
            run_heat(heat, store, progress)
            progress.say(f"    {heat.title}: {summary(heat, store)}")
            write_leaderboard(store, folder)


def _drafters(
    profile: Profile, spec: CrossSpec, target: Target, artifacts: Path, stages: Stages, progress: Progress
) -> dict[str, Path]:
    """Drafters for a target, trained on its own answers by the profile's recipe."""
    config = TrainingConfig(**profile.training.model_dump(exclude={"answers"}, exclude_none=True))
    folders = {}
    for name in _with_drafter(spec.decoders):
        with stages.next():
            answers = target_answers(target, "regenerate", artifacts, progress, limit=profile.training.answers)
            path = drafters.drafter_folder(artifacts, contender(name), target, answers, config)
            features = artifacts / f"features-{target.weights_sha256[:12]}"
            folders[name] = drafters.train(
                contender(name),
                target,
                answers,
                config,
                path,
                features_dir=features,
                progress=progress,
            )
            shutil.rmtree(features, ignore_errors=True)
    return folders


def _options(profile: Profile, spec: CrossSpec) -> dict[str, dict[str, object]]:
    return {name: dict(options) for name, options in profile.options.items() if name in spec.decoders}


def _with_drafter(decoders: Sequence[str]) -> list[str]:
    return [name for name in decoders if contender(name).architecture is not None]


def _suites(spec: CrossSpec) -> list[tuple[Suite, int]]:
    return [(suite, cap) for name, cap in spec.suites.items() for suite in find_suites([name])]
