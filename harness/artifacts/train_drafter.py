"""`offbook train-drafter`: one drafter for one target, in a folder that its recipe names."""

import os
import shutil
from pathlib import Path
from typing import Literal

from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.vocabulary import check_size
from offbook.engine.paths import user_path
from offbook.engine.progress import Progress
from offbook.harness.artifacts import drafters
from offbook.harness.artifacts.finished_drafter import check_finished
from offbook.harness.artifacts.folders import RUNS, check_no_model
from offbook.harness.artifacts.target_answers import Source, asked_prompts, target_answers
from offbook.harness.records.locks import locked
from offbook.harness.roster.decoders import contender, contenders
from offbook.harness.roster.target import load_target
from offbook.harness.settings.drafters import DrafterTrainingSpec
from offbook.tasks.loaders import load_question_file, load_task_documents
from offbook.tasks.prompts import Prompt

Features = Literal["cached", "online"]


def train(
    name: str,
    model: str,
    spec: DrafterTrainingSpec,
    progress: Progress,
    *,
    answers: Source,
    prompts: str | None = None,
    features: Features = "cached",
    output: Path | None = None,
    device: str = "auto",
    revision: str | None = None,
) -> Path:
    """Trains a contender's drafter and returns its folder; what an interrupted call left there is used.

    Args:
        name: whose drafter.
        model: the target, by alias, folder or id.
        spec: how to train.
        progress: is told how far it is.
        answers: where answers to the embedded prompts come from.
        prompts: a question file (FastChat, Spec-Bench) or an lm-eval task to train on instead of the embedded prompts.
        features: "cached" keeps the target's features on disk beside the drafter while training lasts; "online" pays
            for them again every epoch and stores nothing.
        output: the drafter's folder; by default named by its recipe, under `runs/`.
        device: auto, cpu or cuda.
        revision: of a Hugging Face id.

    Raises:
        ValueError: a contender that needs no drafter, a folder with a model that is no drafter, or with another
            finished drafter, or what `load_target` and `target_answers` refuse.
    """
    chosen = contender(name)
    if chosen.architecture is None:
        names = [c.name for c in contenders().values() if c.architecture is not None]
        msg = f"{name} needs no drafter: expected one of {', '.join(names)}"
        raise ValueError(msg)
    if chosen.drafter_of is not None:
        chosen = contender(chosen.drafter_of)
    if chosen.counted and (given := spec.config()):
        settings = ", ".join(given)
        msg = f"{chosen.name}: expected no settings of a training, got {settings}; it is counted: leave them out"
        raise ValueError(msg)
    if output is not None:
        check_no_model(output, "a drafter's folder", ours=drafters.is_one(output))
    variant = chosen.varied(spec.variant or {})
    asked = None if prompts is None else _prompts(prompts)
    target = load_target(model, device=device, revision=revision)
    config = TrainingConfig(**spec.config())  # type: ignore[arg-type]
    if not chosen.counted:
        check_size(config.draft_vocab_size, target.backbone.embedding_VH.shape[0])
    if output is not None:
        check_finished(output, chosen, target, config, asked_prompts(spec.answers, asked), variant)
    artifacts = output or RUNS  # nothing is written beside a folder that was named
    with locked(artifacts, f"training of {chosen.name}", progress.say):
        rows = target_answers(target, answers, artifacts, progress, limit=spec.answers, prompts=asked)
    folder = output or drafters.drafter_folder(artifacts, chosen, target, rows, config, variant)
    progress.say(f"training {chosen.name} on {len(rows)} answers into {folder}")
    cache = folder / "features" if features == "cached" else None
    with locked(folder, f"training of {chosen.name}", progress.say):
        trained = drafters.train(
            chosen, target, rows, config, folder, variant=variant, features_dir=cache, progress=progress
        )
        if cache is not None:
            shutil.rmtree(cache, ignore_errors=True)  # they are large
        return trained


def _prompts(source: str) -> list[Prompt]:
    """The prompts of a file, or else of an lm-eval task."""
    path = user_path(source, what="--prompts")
    if path.suffix in {".jsonl", ".json"} or os.path.lexists(path):
        return load_question_file(path)
    return load_task_documents(source)
