"""`offbook train-drafter`: one drafter for one target, in a folder that its recipe names."""

from pathlib import Path

from offbook.engine.training.drafter_training import TrainingConfig
from offbook.harness import drafters
from offbook.harness.answers import Source, target_answers
from offbook.harness.config import TrainingSpec
from offbook.harness.progress import Progress
from offbook.harness.roster import contender, contenders
from offbook.harness.runs import RUNS
from offbook.harness.target import load_target


def train(
    name: str,
    model: str,
    spec: TrainingSpec,
    progress: Progress,
    *,
    answers: Source,
    output: Path | None = None,
    device: str = "auto",
    revision: str | None = None,
) -> Path:
    """Trains a contender's drafter and returns its folder; what an interrupted call left there is used.

    Raises:
        ValueError: a contender that needs no drafter, or what `load_target` and `target_answers` refuse.
    """
    chosen = contender(name)
    if chosen.architecture is None:
        trained = [c.name for c in contenders().values() if c.architecture is not None]
        msg = f"{name} needs no drafter: expected one of {', '.join(trained)}"
        raise ValueError(msg)
    target = load_target(model, device=device, revision=revision)
    artifacts = output.parent if output else RUNS
    rows = target_answers(target, answers, artifacts, progress, limit=spec.answers)
    config = TrainingConfig(**spec.model_dump(exclude={"answers"}, exclude_none=True))
    folder = output or drafters.drafter_folder(artifacts, chosen, target, rows, config)
    progress.say(f"training {name} on {len(rows)} answers into {folder}")
    return drafters.train(
        chosen,
        target,
        rows,
        config,
        folder,
        progress=lambda p: progress.update(p.done, p.total, f"{p.stage} {p.message}".strip()),
    )
