"""Runs a whole profile: model, answers, drafters, heats, leaderboard, comparison with the committed one.

What has been made is found again by what determines it, so that a run which was interrupted, at whatever moment,
goes on where it was. The leaderboard is rewritten after every heat. Committed results are read at the very end only,
to be held against the fresh ones.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.files import atomic_write_text
from offbook.engine.training.drafter_training import TrainingConfig
from offbook.harness import drafters
from offbook.harness.answers import Source, target_answers
from offbook.harness.arms import build_arms
from offbook.harness.compare import (
    DIFFERS,
    IDENTICAL,
    NOT_COMPARABLE,
    REPRODUCED,
    Comparison,
    compare,
    read_leaderboard,
)
from offbook.harness.config import Profile
from offbook.harness.heat import is_done, plan_heat, run_heat, summary
from offbook.harness.leaderboard import write_leaderboard
from offbook.harness.progress import Progress
from offbook.harness.requests import Suite, find_suites
from offbook.harness.roster import contender
from offbook.harness.runs import finish
from offbook.harness.stages import Stage, Stages
from offbook.harness.store import Store
from offbook.harness.tables import to_csv
from offbook.harness.target import Target, load_target
from offbook.tasks.prompts import load_prompts

COMMITTED = Path(__file__).resolve().parent.parent / "results" / "leaderboard.csv"
TOKENS_PER_S = 14.0  # of the embedded model on two cores: the first guess at how long a run takes
ANSWERS_PER_S = 8.0  # in one epoch of training a drafter there


def reproduce(
    profile: Profile,
    folder: Path,
    progress: Progress,
    *,
    answers: Source = "shipped",
    device: str = "auto",
    committed: Path = COMMITTED,
) -> Comparison | None:
    """Runs what is missing of a profile in `folder`.

    Returns:
        How the leaderboard compares with the committed one; None where none is committed.

    Raises:
        ValueError: a profile that names what does not exist.
    """
    trained = [name for name in profile.decoders if contender(name).architecture is not None]
    suites = {
        suite.name: (suite, cap)
        for name, cap in profile.suites.items()
        for suite in find_suites([name], say=progress.say)
    }
    stages = Stages(progress, _plan(profile, trained, suites, answers))

    with stages.next():
        target = load_target(profile.model, dtype=profile.dtype, device=device)
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
        for suite, cap in suites.values()
    ]
    expected = [spec for heat in heats for spec in heat.cells.values()]
    table = write_leaderboard(store, folder, expected=expected)
    for heat in heats:
        done = is_done(heat, store)
        with stages.next(skipped=done):
            run_heat(heat, store, progress)
        if not done:
            progress.say(f"    {summary(heat, store)}")
            table = write_leaderboard(store, folder, expected=expected)
    with stages.next():
        comparison = compare(table, read_leaderboard(committed)) if committed.is_file() else None
        if comparison is not None:
            atomic_write_text(folder / "comparison.csv", to_csv(comparison.table))
    finish(folder, compared=None if comparison is None else comparison.counts)
    return comparison


def verdict_lines(comparison: Comparison) -> list[str]:
    """A comparison for people: how many rows of each verdict, and the reasons of those that differ."""
    counts = comparison.counts
    lines = [
        f"against the committed leaderboard: {counts[IDENTICAL]} rows identical, {counts[REPRODUCED]} reproduced "
        f"within their intervals, {counts[DIFFERS]} differ, {counts[NOT_COMPARABLE]} not comparable (comparison.csv)"
    ]
    differing = comparison.table[comparison.table["verdict"] == DIFFERS]
    lines += [
        f"  differs: {row['decoder']} on {row['suite']} at temperature {row['temperature']:g}: {row['reason']}"
        for row in differing.to_dict("records")
    ]
    return lines


def _plan(
    profile: Profile, trained: Sequence[str], suites: Mapping[str, tuple[Suite, int]], answers: Source
) -> list[Stage]:
    """The stages in the order in which `reproduce` takes them, with a first guess at their seconds."""
    count = profile.training.answers or len(load_prompts("train"))
    epochs = profile.training.epochs or TrainingConfig().epochs
    plan = [Stage(f"model {profile.model}", 5)]
    if trained:
        plan.append(Stage(f"the target's answers ({answers})", 2 if answers == "shipped" else count))
    plan += [Stage(f"drafter {name}", 5 + count * (epochs + 3) / ANSWERS_PER_S) for name in trained]
    for heats in profile.heats:
        for suite, cap in suites.values():
            documents = min(heats.limit or math.inf, len(suite.task().eval_docs))
            tokens = documents * cap * len(profile.decoders)
            plan.append(Stage(f"{suite.name} at temperature {heats.temperature:g}", tokens / TOKENS_PER_S))
    return [*plan, Stage("comparison with the committed leaderboard", 1)]


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
                progress=lambda p: progress.update(p.done, p.total, f"{p.stage} {p.message}".strip()),
            )
    shutil.rmtree(features, ignore_errors=True)  # large, and quick to make again
    return folders
