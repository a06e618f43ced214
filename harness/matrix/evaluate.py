"""`offbook evaluate`: one heat a suite, from flags or a YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.paths import user_path
from offbook.engine.progress import Progress
from offbook.harness.artifacts.folders import new_folder
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import load_target
from offbook.harness.settings.evaluate import EvaluateSpec
from offbook.harness.settings.parse import parse
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import is_done, plan_heat, run_heat, summary

DEFAULT_MODEL = "smollm2-135m-instruct"
DEFAULT_DECODERS = ("autoregressive", "prompt_lookup")


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Where the records lie, and whether every answer that was tested is the target's own."""

    folder: Path
    lossless: bool


def merge(file: EvaluateSpec, flags: Mapping[str, Any]) -> EvaluateSpec:
    """Flags over a file; None is a flag that was not given.

    Raises:
        ValueError: a flag of the wrong kind.
    """
    given = {name: value for name, value in flags.items() if value is not None and value != {}}
    return parse(EvaluateSpec, file.model_dump(exclude_none=True, exclude_defaults=True) | given, source="command line")


def evaluate(spec: EvaluateSpec, progress: Progress, *, include_path: Path | None = None) -> Evaluated:
    """Runs the heats.

    Raises:
        ValueError: what is asked for does not exist or does not fit together.
    """
    if not spec.tasks:
        msg = "expected at least one suite, got none; name it with --tasks (`offbook ls` lists them)"
        raise ValueError(msg)
    if include_path is not None:
        progress.say(f"--include-path {include_path}: suites there are code, and it is run")
    sampling = Sampling(temperature=spec.temperature or 0.0, top_k=spec.top_k or 0, top_p=spec.top_p or 1.0)
    names = spec.tasks.split(",") if isinstance(spec.tasks, str) else list(spec.tasks)
    folders = {name: user_path(path, what="--drafter") for name, path in spec.drafter.items()}
    suites = find_suites([name.strip() for name in names], include_path=include_path, say=progress.say)
    target = load_target(
        spec.model or DEFAULT_MODEL,
        dtype=spec.dtype or "float32",
        device=spec.device or "auto",
        revision=spec.revision,
    )
    arms = build_arms(
        target,
        spec.decoders or DEFAULT_DECODERS,
        options=spec.options,
        drafter_folders=folders,
    )
    folder = user_path(spec.output, what="--output") if spec.output else new_folder("evaluate")
    store = Store(folder)
    heats = [
        plan_heat(
            target,
            arms,
            suite,
            seed=spec.seed or 0,
            sampling=sampling,
            limit=spec.limit,
            max_new_tokens=spec.max_new_tokens,
            chat_template=spec.apply_chat_template,
        )
        for suite in suites
    ]
    expected = [cell for heat in heats for cell in heat.cells.values()]
    lossless = True
    for number, heat in enumerate(heats, start=1):
        done = is_done(heat, store)
        progress.say(f"[{number}/{len(heats)}] {heat.title}{' (done before)' if done else ''}")
        records = run_heat(heat, store, progress)
        progress.say(f"    {summary(heat, store)}")
        lossless &= all(record.certificate.verdict != "differs" for record in records)
        write_leaderboard(store, folder, expected=expected)
    return Evaluated(folder=folder, lossless=lossless)
