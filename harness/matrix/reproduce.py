"""Runs a whole profile: answers, drafters and heats, then students and exams, tables, and the committed ones beside.

What has been made is found again by what determines it, so that a run which was interrupted, at whatever moment,
goes on where it was. Tables are rewritten after every heat and exam. Committed results are read at the very end only,
to be held against the fresh ones.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.vocabulary import check_size
from offbook.engine.embedded import ALIASES
from offbook.engine.files import atomic_write_text
from offbook.engine.pretrained import resolve
from offbook.engine.progress import Progress, Silent
from offbook.harness.artifacts import drafters
from offbook.harness.artifacts.target_answers import Source, target_answers
from offbook.harness.matrix.folders import finish
from offbook.harness.matrix.stages import TOKENS_PER_S, Stage, Stages
from offbook.harness.matrix.students import plan_half, run_half, stages_of
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target, resolve_device, resolve_dtype
from offbook.harness.settings.profile import Profile
from offbook.harness.suites.rehearsal import rehearse
from offbook.harness.suites.suite import Suite, find_suites
from offbook.harness.tables.columns import csv_text
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.tables.reproduction import (
    DIFFERS,
    IDENTICAL,
    NOT_COMPARABLE,
    REPRODUCED,
    Comparison,
    compare,
    read_leaderboard,
)
from offbook.harness.tables.students_reproduction import compare_students, read_students
from offbook.harness.trials.heat import is_done, plan_heat, run_heat, summary
from offbook.tasks.prompts import load_prompts

COMMITTED = Path(__file__).resolve().parents[2] / "results"
ANSWERS_PER_S = 8.0  # in one epoch of training a drafter on two cores


class Verdicts(NamedTuple):
    """How the fresh tables compare with the committed ones; None where a run or the results have none."""

    decoders: Comparison | None
    students: Comparison | None

    @property
    def differs(self) -> bool:
        """Whether anything is not what was committed."""
        return any(part is not None and part.counts[DIFFERS] > 0 for part in self)


def reproduce(
    profile: Profile,
    folder: Path,
    progress: Progress,
    *,
    answers: Source = "shipped",
    device: str = "auto",
    committed: Path = COMMITTED,
) -> Verdicts:
    """Runs what is missing of a profile in `folder`.

    Args:
        profile: what to run.
        folder: of the run.
        progress: is told how far it is.
        answers: where the target's answers to the training prompts come from.
        device: auto, cpu or cuda.
        committed: the folder of results to hold the fresh tables against.

    Raises:
        ValueError: a profile that names what does not exist.
    """
    half = None if profile.students is None else plan_half(profile, progress)
    heats = _plan(profile, answers, progress) if profile.decoders else []
    exams = [] if half is None else stages_of(half)
    stages = Stages(progress, [*heats, *exams, Stage("comparison with the committed results", 1)])
    if heats:
        _run_heats(profile, folder, stages, answers, device, progress)
    if half is not None:
        run_half(profile, half, folder, stages, progress, device=device)
    with stages.next():
        verdicts = Verdicts(
            decoders=_held_against(folder, committed, "leaderboard.csv", read_leaderboard, compare),
            students=_held_against(folder, committed, "students.csv", read_students, compare_students),
        )
    counts = {name: part.counts for name, part in verdicts._asdict().items() if part is not None}
    finish(folder, compared=counts or None)
    return verdicts


def check_machine(profile: Profile, device: str) -> None:
    """Refuses what this machine has not, and a model whose name leads nowhere, before anything is made.

    Raises:
        ValueError: an unknown device or number format, or a name that can be no model's.
    """
    resolve_device(device)
    resolve_dtype(profile.dtype)
    if profile.model not in ALIASES:
        resolve(profile.model)


def verdict_lines(verdicts: Verdicts) -> list[str]:
    """Comparisons for people: how many rows of each verdict, and the reasons of those that differ."""
    lines = []
    for name, comparison in verdicts._asdict().items():
        if comparison is None:
            continue
        counts = comparison.counts
        lines.append(
            f"{name}, against the committed results: {counts[IDENTICAL]} rows identical, {counts[REPRODUCED]} "
            f"reproduced within their intervals, {counts[DIFFERS]} differ, {counts[NOT_COMPARABLE]} not comparable"
        )
        differing = comparison.table[comparison.table["verdict"] == DIFFERS].to_dict("records")
        if name == "decoders":
            titles = [f"{row['decoder']} on {row['suite']} at temperature {row['temperature']:g}" for row in differing]
        else:
            titles = [f"{row['student']} on {row['suite']} ({row['group']})" for row in differing]
        lines += [f"  differs: {title}: {row['reason']}" for title, row in zip(titles, differing, strict=True)]
    return lines


def _held_against(
    folder: Path,
    committed: Path,
    name: str,
    read: Callable[[Path], pd.DataFrame],
    judge: Callable[[pd.DataFrame, pd.DataFrame], Comparison],
) -> Comparison | None:
    """A fresh table against the committed one of the same name; the verdicts are written beside it."""
    if not ((folder / name).is_file() and (committed / name).is_file()):
        return None
    comparison = judge(read(folder / name), read(committed / name))
    atomic_write_text(folder / f"{Path(name).stem}_comparison.csv", csv_text(comparison.table))
    return comparison


def _plan(profile: Profile, answers: Source, progress: Progress) -> list[Stage]:
    """The stages in the order in which `_run_heats` takes them, with a first guess at their seconds."""
    count = profile.training.answers or len(load_prompts("train"))
    epochs = profile.training.epochs or TrainingConfig().epochs
    trained = _trained(profile)
    plan = [Stage(f"model {profile.model}", 5)]
    if trained:
        plan.append(Stage(f"the target's answers ({answers})", 2 if answers == "shipped" else count))
    plan += [Stage(f"drafter {name}", 5 + count * (epochs + 3) / ANSWERS_PER_S) for name in trained]
    suites = _suites(profile, progress)
    for heats in profile.heats:
        for suite, cap in suites:
            documents = min(heats.limit or math.inf, len(suite.task().eval_docs))
            tokens = documents * cap * len(profile.decoders)
            plan.append(Stage(f"{suite.name} at temperature {heats.temperature:g}", tokens / TOKENS_PER_S))
    return plan


def _run_heats(
    profile: Profile, folder: Path, stages: Stages, answers: Source, device: str, progress: Progress
) -> None:
    """Runs the heats that are missing; the leaderboard is written again after each."""
    with stages.next():
        target = load_target(profile.model, dtype=profile.dtype, device=device)
    trained = _trained(profile)
    if trained:
        _check(profile, target)
    folders = _train(profile, folder, target, answers, stages, trained, progress) if trained else {}
    arms = build_arms(target, profile.decoders, options=profile.options, drafter_folders=folders)
    store = Store(folder)
    heats = [
        plan_heat(
            target,
            arms,
            suite,
            seed=profile.seed,
            sampling=Sampling(temperature=heats.temperature),
            limit=heats.limit,
            max_new_tokens=cap,
        )
        for heats in profile.heats
        for suite, cap in _suites(profile, Silent())
    ]
    expected = [spec for heat in heats for spec in heat.cells.values()]
    write_leaderboard(store, folder, expected=expected)
    for heat in heats:
        done = is_done(heat, store)
        with stages.next(skipped=done):
            run_heat(heat, store, progress)
        if not done:
            progress.say(f"    {summary(heat, store)}")
            write_leaderboard(store, folder, expected=expected)


def _check(profile: Profile, target: Target) -> None:
    """Refuses, before anything is trained, what would be refused after it."""
    settings = profile.training.model_dump(exclude={"answers"}, exclude_none=True)
    check_size(TrainingConfig(**settings).draft_vocab_size, target.backbone.embedding_VH.shape[0])
    limits = [heats.limit for heats in profile.heats]
    most = None if None in limits else max(limit for limit in limits if limit is not None)
    for suite, cap in _suites(profile, Silent()):
        rehearse(suite, target, limit=most, max_new_tokens=cap)


def _trained(profile: Profile) -> list[str]:
    """Decoders whose drafter has to be trained."""
    return [name for name in profile.decoders if contender(name).architecture is not None]


def _suites(profile: Profile, progress: Progress) -> list[tuple[Suite, int]]:
    """The heats' suites, each with its cap on new tokens."""
    return [(suite, cap) for name, cap in profile.suites.items() for suite in find_suites([name], say=progress.say)]


def _train(
    profile: Profile,
    folder: Path,
    target: Target,
    source: Source,
    stages: Stages,
    names: Sequence[str],
    progress: Progress,
) -> Mapping[str, Path]:
    artifacts = folder / "artifacts"
    with stages.next():
        answers = target_answers(target, source, artifacts, progress, limit=profile.training.answers)
    settings = profile.training.model_dump(exclude={"answers"}, exclude_none=True)
    config = TrainingConfig(**settings)
    features = artifacts / "features"
    folders = {n: drafters.drafter_folder(artifacts, contender(n), target, answers, config) for n in names}
    for name, path in folders.items():
        done = (path / "config.json").is_file()
        with stages.next(skipped=done):
            drafters.train(
                contender(name),
                target,
                answers,
                config,
                path,
                features_dir=features,
                progress=progress,
            )
    shutil.rmtree(features, ignore_errors=True)  # large, and quick to make again
    return folders
